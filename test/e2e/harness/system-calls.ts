/** A process whose system calls fail when a test says so, and whose clock is wrong: by system-calls.c, loaded ahead of libc. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** In the order of system-calls.c. */
const CALLS = ['accept4', 'socket', 'connect'] as const;

export type Errno = 'EMFILE' | 'ENFILE' | 'ENOMEM' | 'ENOBUFS';

export interface SystemCalls {
  /** For the process: what it has to be started with. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on so many calls fail. */
  fail(call: (typeof CALLS)[number], error: Errno, failures: number): void;
  /** Puts the wall clock of the process forward, or back. */
  shiftClock(milliseconds: number): void;
  remove(): void;
}

/** Compiles it; throws with the compiler's words where that fails. */
export function interposeSystemCalls(): SystemCalls {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-calls-'));
  const library = join(folder, 'system-calls.so');
  const source = fileURLToPath(new URL('system-calls.c', import.meta.url));
  const { status, stderr } = spawnSync('cc', ['-std=c11', '-O1', '-shared', '-fPIC', '-o', library, source, '-ldl']);
  if (status !== 0) throw new Error(String(stderr));
  const file = join(folder, 'orders');
  const orders = openSync(file, 'w+');
  writeSync(orders, Buffer.alloc(ORDERS_BYTES), 0, ORDERS_BYTES, 0);
  return {
    env: { LD_PRELOAD: library, SYSTEM_CALLS_FILE: file },
    fail(call, error, failures) {
      const words = Int32Array.of(CALLS.indexOf(call) + 1, constants.errno[error], 0, failures);
      writeSync(orders, new Uint8Array(words.buffer), 0, words.byteLength, 0);
    },
    shiftClock(milliseconds) {
      const words = BigInt64Array.of(BigInt(milliseconds));
      writeSync(orders, new Uint8Array(words.buffer), 0, words.byteLength, CLOCK_AT);
    },
    remove() {
      closeSync(orders);
      rmSync(folder, { recursive: true });
    },
  };
}

const CLOCK_AT = 16;
const ORDERS_BYTES = 24;
