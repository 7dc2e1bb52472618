/** Collects all metrics once for all clients that ask within a second. */
import { Turns } from './turns.ts';

/**
 * A client gets a reading that begins after its request, so it is never an old one. The next reading begins only after a pause, and all
 * clients that ask meanwhile share it: a client cannot cause more work by asking often.
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
