/** Waiting on behalf of a client that may leave. */
import type { Leg } from '@sallyport/tunnel-splice';
import { TunnelError } from './reasons.ts';

/** Something under way for one client. */
export interface Work<T> {
  readonly done: Promise<T>;
  /** Gives the work up. Called at most once. */
  cancel(): void;
}

/** Settles as the work does; or throws `client_closed`, the work cancelled, as soon as the client leaves. */
export function unlessGone<T>(client: Pick<Leg, 'whenGone'>, work: Work<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = client.whenGone(() => {
      work.cancel();
      reject(new TunnelError('client_closed', 'The client left before its tunnel was up.'));
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
