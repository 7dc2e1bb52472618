/** Collects all metrics once for all clients that ask within a second. */
import { Turns } from './turns.ts';

/**
 * Whoever asks gets a reading that begins after the question, so that it is never an old one. The next one begins only when
 * the thread has had a rest from the last, and everyone who asks meanwhile shares it: no client makes work by asking often.
 */
export function shareScrapes<Reading>(scrape: () => Promise<Reading>): () => Promise<Reading> {
  const turns = new Turns();
  let next: Promise<Reading> | undefined;
  const begin = (): Promise<Reading> => {
    next = undefined;
    return scrape();
  };
  return () => (next ??= turns.take(begin));
}
