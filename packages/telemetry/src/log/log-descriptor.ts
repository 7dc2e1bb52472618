/** Opens the file of the log, or stdout, so that no write to it waits. */
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';

/** Where lines are written. */
export interface Descriptor {
  readonly fd: number;
  /** Whether we opened it and must close it. */
  readonly isOwned: boolean;
}

/**
 * Throws the system's error where the file cannot be opened.
 * @param file null: stdout
 */
export function open(file: string | null): Descriptor {
  return file === null ? openStdout() : openFile(file);
}

/**
 * Opens stdout without blocking. A pipe or a terminal is opened again, so that O_NONBLOCK is ours alone: the flag belongs to the open
 * file description, which other processes share. A socket cannot be opened again. A regular file would start again at offset 0, and never
 * blocks. Both are used as they are.
 */
function openStdout(): Descriptor {
  const stdout = { fd: 1, isOwned: false };
  try {
    // As bigint: a plain look at a pipe or a socket stops require from following links, as those of pnpm (nodejs/node#51142).
    const kind = fstatSync(1, { bigint: true });
    if (!kind.isFIFO() && !kind.isCharacterDevice()) return stdout;
    return { fd: openSync('/proc/self/fd/1', constants.O_WRONLY | NO_WAIT), isOwned: true };
  } catch {
    // There is no /proc, or the pipe belongs to another user: a slow reader then delays the exit, and nothing else.
    return stdout;
  }
}

/** O_NONBLOCK matters where the path is a FIFO: without a reader it is an error at once (ENXIO), and no endless wait. */
const NO_WAIT = constants.O_NONBLOCK | constants.O_NOCTTY;

/** The group may read it, for log shippers. Others may not: it says which client used which destination. */
const FILE_MODE = 0o640;

function openFile(path: string): Descriptor {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | NO_WAIT;
  return { fd: openSync(path, flags, FILE_MODE), isOwned: true };
}

/** False where the path leads to another file by now, or to none. True also where the system does not say. */
export function isAt(path: string, { fd }: Descriptor): boolean {
  try {
    // As bigint, as above.
    const [there, ours] = [statSync(path, { bigint: true, throwIfNoEntry: false }), fstatSync(fd, { bigint: true })];
    return there?.dev === ours.dev && there.ino === ours.ino;
  } catch {
    return true;
  }
}

/** Closes it, where it is ours. */
export function release(descriptor: Descriptor): void {
  if (descriptor.isOwned) closeSync(descriptor.fd);
}

/** False also where the system does not say. */
export function areSameFile(one: Descriptor, other: Descriptor): boolean {
  try {
    // As bigint, as above.
    const [a, b] = [fstatSync(one.fd, { bigint: true }), fstatSync(other.fd, { bigint: true })];
    return a.dev === b.dev && a.ino === b.ino;
  } catch {
    return false;
  }
}
