/** The main thread's side of the thread that compares passwords. */
import { Worker } from 'node:worker_threads';
import type { ComparisonRequest } from './bcrypt-worker.ts';

/** Compares passwords, one at a time. */
export interface PasswordComparer {
  /** Rejects when it could not be done. */
  compare(password: string, hash: string): Promise<boolean>;
  close(): Promise<void>;
}

/** A path that works both from the sources, which the tests run, and from what is built of them. */
const WORKER = new URL('../../dist/identity/bcrypt-worker.js', import.meta.url);

/** bcrypt on a thread of its own, which starts with the first comparison and never keeps the process alive. */
export class BcryptThread implements PasswordComparer {
  #worker: Worker | undefined;

  compare(password: string, hash: string): Promise<boolean> {
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

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
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
