/** Waits for work no longer than its client stays, or than there is time. */
import type { DeadlineMs, Leg } from '@sallyport/tunnel-splice';
import { TunnelError } from './reasons.ts';

/** Work under way for one client. */
export interface Work<T> {
  readonly done: Promise<T>;
  /** Cancels the work. Called at most once. */
  cancel(): void;
}

/** For {@link unlessGone}, where a name is looked up. */
export const NAME_LOOKED_UP = 'the name of its destination was looked up';

/**
 * Settles as the work does. When the client leaves first, it cancels the work and throws `client_closed`.
 * @param meanwhile what is under way: a clause such as `its name was looked up`
 */
export function unlessGone<T>(client: Pick<Leg, 'whenGone'>, work: Work<T>, meanwhile: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = client.whenGone(() => {
      work.cancel();
      reject(new TunnelError('client_closed', `The client left while ${meanwhile}.`));
    });
    work.done.then(
      (result) => {
        forget();
        resolve(result);
      },
      (cause: unknown) => {
        forget();
        reject(cause instanceof Error ? cause : new Error('work failed', { cause }));
      },
    );
  });
}

/** Settles as the work does, or resolves with `late` after that time, in milliseconds. The work goes on. */
export async function forNoLonger<T>(work: Promise<T>, longestMs: number, late: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<T>((resolve) => (timer = setTimeout(resolve, longestMs, late)));
  return Promise.race([work, tooLate]).finally(() => clearTimeout(timer));
}

/** Rejects with `dns_timeout` where a look-up takes longer than this one client can wait. The look-up goes on, and its answer is kept. */
export function inTime<T>(lookUp: Promise<T>, deadline: DeadlineMs, host: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void =>
      reject(
        new TunnelError('dns_timeout', `${host} does not resolve: no name server answered within timeouts.connect.`),
      );
    const timer = setTimeout(late, deadline - performance.now());
    void lookUp.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
