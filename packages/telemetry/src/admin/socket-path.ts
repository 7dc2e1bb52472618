/** The path of the admin server's socket, where that is in the file system. */
import type { Server } from 'node:http';
import { linkSync, lstatSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';

/**
 * Listens at a path: readable for its owner and its group only, from the first moment. A socket left behind by a crash, on which no process
 * listens, is replaced. A failure is an `error` event of the server.
 */
export function listenAtPath(server: Server, path: string, onListening: () => void): void {
  const probe = connect(path);
  const open = (): void => {
    const before = process.umask(0o117);
    server.listen({ path }, onListening);
    process.umask(before);
  };
  probe.once('connect', () => {
    probe.destroy();
    server.emit('error', Object.assign(new Error(`${path} is in use`), { code: 'EADDRINUSE' }));
  });
  probe.once('error', (cause: NodeJS.ErrnoException) => {
    try {
      if (cause.code === 'ECONNREFUSED' && lstatSync(path).isSocket()) unlinkSync(path);
      open();
    } catch (error) {
      server.emit('error', error);
    }
  });
}

/** A path at which a server listens, made while it is that server's. Others may remove it, or put something else there. */
export class SocketPath {
  readonly #path: string;
  readonly #file: string | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#file = fileAt(path);
  }

  /** Whether the path still leads to the server. */
  isOurs(): boolean {
    return this.#file !== undefined && fileAt(this.#path) === this.#file;
  }

  /** `runtime.user` may have no right to: the next start replaces what is left. */
  remove(): void {
    tryTo(() => rmSync(this.#path, { force: true }));
  }

  /**
   * Closes the server, and leaves at the path what is there. A server that has bound a path removes it when it closes, even while another
   * one listens there. So it is given another name of that to remove. Where links are not to be had the path is away for a moment; where
   * neither works, Node.js cannot remove it either.
   */
  async keep(closeServer: () => Promise<void>): Promise<void> {
    const path = this.#path;
    const other = `${path}.${process.pid}`;
    const isKept = tryTo(() => linkSync(path, other)) || tryTo(() => renameSync(path, other));
    const closed = closeServer();
    if (isKept) {
      tryTo(() => renameSync(other, path));
      // Where the path was still there, both names were one file, and nothing was renamed.
      tryTo(() => rmSync(other, { force: true }));
    }
    await closed;
  }
}

/** The same as long as the path leads to the same file; undefined where there is none, or it cannot be looked at. */
function fileAt(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return undefined;
  }
}

/** False where the system refuses it, whether for its rights or because a file is gone. */
function tryTo(change: () => void): boolean {
  try {
    change();
    return true;
  } catch {
    return false;
  }
}
