/** Waiting on behalf of a client that may leave: written once, for the look-up and the dial. */
import type { Leg } from '@sallyport/tunnel-splice';
import { TunnelError } from './reasons.ts';

/** Something under way for one client. */
export interface Work<T> {
  readonly done: Promise<T>;
  /** Gives the work up. Called at most once. */
  cancel(): void;
  /** Releases a result that came too late for anybody to take it. Left out where results own nothing. */
  discard?(result: T): void;
}

/** Settles as the work does; or throws `client_closed`, the work cancelled, as soon as the client leaves. */
export function unlessGone<T>(client: Pick<Leg, 'whenGone'>, work: Work<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let isGone = false;
    const forget = client.whenGone(() => {
      isGone = true;
      work.cancel();
      reject(new TunnelError('client_closed', 'The client left before its tunnel was up.'));
    });
    work.done.then(
      (result) => {
        // Both may happen in one turn of the event loop: the client leaves, and the dial that connected just before is
        // still unread.
        if (isGone) return work.discard?.(result);
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
