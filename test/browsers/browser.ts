/** A real browser, as far as the tests use one. */
import { spawnSync } from 'node:child_process';

export interface Browser {
  /** Opens a page and resolves with what `expression`, a promise or not, comes to in it. */
  evaluate(url: string, expression: string): Promise<unknown>;
  /** What the browser saves when it is sent to `url`. */
  download(url: string): Promise<Buffer>;
  close(): Promise<void>;
}

/** Where it goes: by a proxy that asks who it is, or to a door in place of the names' own addresses. */
export interface Way {
  readonly proxy?: { readonly port: number; readonly username: string; readonly password: string };
  /** A name that resolves to 127.0.0.1. */
  readonly localName: string;
}

export interface BrowserProgram {
  readonly name: string;
  readonly program: string;
  launch(way: Way): Promise<Browser>;
}

/** Why a browser is not tested here, if so. */
export function whyNoBrowser({ program }: BrowserProgram): string | undefined {
  const isThere = spawnSync(program, ['--version']).status === 0;
  return isThere ? undefined : `there is no ${program}`;
}
