/** The main thread's side of the thread that compares passwords. */
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { Worker } from 'node:worker_threads';
import { TunnelError } from '../reasons.ts';
import type { ComparisonRequest } from './bcrypt-worker.ts';

/** Compares passwords, one at a time. */
export interface PasswordComparer {
  /** Rejects when it could not be done: with `overload` where descriptors, threads or memory lack. */
  compare(password: string, hash: string): Promise<boolean>;
  close(): Promise<void>;
}

/** A path that works both from the sources, which the tests run, and from what is built of them. */
const WORKER = new URL('../../dist/identity/bcrypt-worker.js', import.meta.url);

/** bcrypt on a thread of its own, which starts with the first comparison and never keeps the process alive. */
export class BcryptThread implements PasswordComparer {
  #worker: Worker | undefined;

  async compare(password: string, hash: string): Promise<boolean> {
    try {
      return await this.#ask(password, hash);
    } catch (cause) {
      throw isShortage(cause) ? new TunnelError('overload', NO_THREAD, { detail: detailOf(cause), cause }) : cause;
    }
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #ask(password: string, hash: string): Promise<boolean> {
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        finish();
      };
      const onMessage = (isEqual: unknown): void => settle(() => resolve(isEqual === true));
      const onError = (cause: Error): void => settle(() => reject(cause));
      const onExit = (): void => settle(() => reject(new Error('the thread that compares passwords has ended')));
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      worker.postMessage({ password, hash } satisfies ComparisonRequest);
    });
  }

  #start(): Worker {
    requireDescriptors();
    const worker = new Worker(WORKER);
    worker.unref();
    // An `error` event without a listener would end the process. The next comparison starts another thread.
    worker.on('error', () => this.#forget(worker)).on('exit', () => this.#forget(worker));
    return worker;
  }

  #forget(worker: Worker): void {
    if (this.#worker === worker) this.#worker = undefined;
  }
}

const NO_THREAD = 'Sallyport is out of descriptors, threads or memory to check a password.';

/** More than a thread takes, with its modules. */
const DESCRIPTORS = 16;

/** Throws where they lack. Node.js loses those that it has opened for a thread when there is none for the next (20.20, libuv's loop). */
function requireDescriptors(): void {
  const opened: number[] = [];
  try {
    while (opened.length < DESCRIPTORS) opened.push(openSync(devNull, 'r'));
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** The thread could not be made, or could not open its own modules. */
const SHORTAGES: ReadonlySet<unknown> = new Set([
  'ERR_WORKER_INIT_FAILED',
  'ERR_WORKER_OUT_OF_MEMORY',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
]);

function isShortage(cause: unknown): cause is Error {
  return cause instanceof Error && 'code' in cause && SHORTAGES.has(cause.code);
}

function detailOf({ message }: Error): string {
  return `${NO_THREAD.slice(0, -1)}: ${message}.`;
}
