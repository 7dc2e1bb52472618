/** A timer for one deadline, which may be further away than `setTimeout` can wait. */
import type { DeadlineMs } from '@sallyport/tunnel-splice';

/** The longest that `setTimeout` can wait. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Calls `ring` at `deadline`; at Infinity never. Returns a function that cancels it. */
export function setAlarm(deadline: DeadlineMs, ring: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const leftMs = deadline - performance.now();
    timer = leftMs > LONGEST_TIMER_MS ? setTimeout(wait, LONGEST_TIMER_MS) : setTimeout(ring, leftMs);
  };
  wait();
  return () => clearTimeout(timer);
}
