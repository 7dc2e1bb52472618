/** A process whose system calls fail when a test says so, and whose clock is wrong: by system-calls.c, loaded ahead of libc. */
import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** In the order of system-calls.c, which counts from 1. */
const CALLS = [
  'accept4',
  'socket',
  'connect',
  'recv',
  'send',
  'splice',
  'pipe2',
  'epoll_ctl',
  'getsockname',
  'getpeername',
  'getsockopt',
  'setsockopt',
  'shutdown',
  'read',
  'write',
  'bind',
  'listen',
  'fcntl',
  'ioctl',
  'epoll_wait',
  'poll',
  'epoll_create1',
  'eventfd',
  'open',
] as const;

export type Call = (typeof CALLS)[number];
export type Errno = keyof typeof constants.errno;

/** What a process has to be started with. */
export interface Interposition {
  readonly library: string;
  readonly orders: string;
}

export interface SystemCalls {
  /** From now on so many calls fail, once `spared` have succeeded. */
  fail(call: Call, error: Errno, failures: number, spared?: number): void;
  /** How many of those that were to fail have not yet. */
  failuresLeft(): number;
  /** No further call fails. */
  failNone(): void;
  /** How many calls of each name were made since this was asked last, where only those of an object count. */
  made(): ReadonlyMap<Call, number>;
  /** Puts the wall clock of the process forward, or back. */
  shiftClock(milliseconds: number): void;
  close(): void;
}

/** The same, for a process that is still to be started. */
export interface InterposedProcess extends SystemCalls {
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Compiles it in a folder of its own, which `close` removes; throws with the compiler's words where that fails.
 * @param of only calls from an object with this in its name count
 */
export function interposeSystemCalls(of?: string): InterposedProcess {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-calls-'));
  const files = { library: join(folder, 'system-calls.so'), orders: join(folder, 'orders') };
  buildInterposition(files);
  const calls = openSystemCalls(files.orders);
  const close = (): void => {
    calls.close();
    rmSync(folder, { recursive: true });
  };
  return { ...calls, env: environmentOf(files, of), close };
}

/** What makes a new process one whose calls can fail. */
export function environmentOf({ library, orders }: Interposition, of?: string): Readonly<Record<string, string>> {
  return { LD_PRELOAD: library, SYSTEM_CALLS_FILE: orders, ...(of !== undefined && { SYSTEM_CALLS_OF: of }) };
}

/** Compiles the library, and lays the file beside it. */
export function buildInterposition({ library, orders }: Interposition): void {
  mkdirSync(dirname(library), { recursive: true });
  const source = fileURLToPath(new URL('system-calls.c', import.meta.url));
  const { status, stderr } = spawnSync('cc', ['-std=c11', '-O1', '-shared', '-fPIC', '-o', library, source, '-ldl']);
  if (status !== 0) throw new Error(String(stderr));
  const file = openSync(orders, 'w+');
  writeSync(file, Buffer.alloc(ORDERS_BYTES), 0, ORDERS_BYTES, 0);
  closeSync(file);
}

/** The orders of a process that was, or will be, started with such a file. */
export function openSystemCalls(file: string): SystemCalls {
  const orders = openSync(file, 'r+');
  const give = (...words: readonly number[]): void => {
    writeSync(orders, new Uint8Array(Int32Array.from(words).buffer), 0, words.length * 4, 0);
  };
  return {
    fail(call, error, failures, spared = 0) {
      give(CALLS.indexOf(call) + 1, constants.errno[error], spared, failures);
    },
    failuresLeft: () => Math.max(0, wordsAt(orders, FAILURES_AT, 1)[0] ?? 0),
    made() {
      const counts = wordsAt(orders, MADE_AT, CALLS.length);
      writeSync(orders, new Uint8Array(counts.byteLength), 0, counts.byteLength, MADE_AT);
      return new Map(CALLS.map((call, place) => [call, counts[place] ?? 0]));
    },
    failNone: () => give(0),
    shiftClock(milliseconds) {
      const words = BigInt64Array.of(BigInt(milliseconds));
      writeSync(orders, new Uint8Array(words.buffer), 0, words.byteLength, CLOCK_AT);
    },
    close: () => closeSync(orders),
  };
}

/**
 * The descriptors of this process that an object has opened (`SYSTEM_CALLS_OF`), and neither it nor anybody else has closed.
 * @param file with this process's orders
 */
export function openedDescriptors(file: string): readonly number[] {
  const table = openSync(file, 'r');
  const words = new Uint8Array(DESCRIPTORS * 8);
  readSync(table, words, 0, words.length, OPENED_AT);
  closeSync(table);
  return [...new BigUint64Array(words.buffer).entries()].flatMap(([fd, inode]) =>
    inode !== 0n && inodeOf(fd) === inode ? [fd] : [],
  );
}

function inodeOf(fd: number): bigint | undefined {
  try {
    return fstatSync(fd, { bigint: true }).ino;
  } catch {
    return undefined; // Closed.
  }
}

function wordsAt(file: number, at: number, count: number): Int32Array {
  const bytes = new Uint8Array(count * 4);
  readSync(file, bytes, 0, bytes.length, at);
  return new Int32Array(bytes.buffer);
}

// The layout of `struct orders`.
const FAILURES_AT = 12;
const CLOCK_AT = 16;
const MADE_AT = 24;
const OPENED_AT = MADE_AT + 32 * 4;
const DESCRIPTORS = 4096;
const ORDERS_BYTES = OPENED_AT + DESCRIPTORS * 8;
