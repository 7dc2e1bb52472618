/** Asks a program for its version. */
import { spawnSync } from 'node:child_process';

/** What the program prints, on stdout or stderr; undefined where there is no such program. */
export function outputOf(program: string, args: readonly string[]): string | undefined {
  const result = spawnSync(program, args, { encoding: 'utf8' });
  return result.error ? undefined : `${result.stdout}${result.stderr}`;
}

/** The first thing in a text that looks like a version. */
export function versionIn(text: string): string {
  return /\d+\.\d+(\.\d+)*/.exec(text)?.[0] ?? 'of an unknown version';
}
