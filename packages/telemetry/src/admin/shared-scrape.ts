/** One reading of all metrics for everybody who asks within a second. */

/** The longest that anybody waits for a reading to begin, in milliseconds. */
const SHARED_FOR_MS = 1_000;

/** How many times as long as a reading took its successor waits: readings take one part in twenty of the thread that decides. */
const REST_FACTOR = 19;

/**
 * Whoever asks gets a reading that begins after the question, so that it is never an old one. The next one begins only when
 * the thread has had a rest from the last, and everyone who asks meanwhile shares it: no client makes work by asking often.
 */
export function shareScrapes<Reading>(scrape: () => Promise<Reading>): () => Promise<Reading> {
  let next: Promise<Reading> | undefined;
  let restsUntil = 0;

  const measured = async (): Promise<Reading> => {
    const begunAt = performance.now();
    try {
      return await scrape();
    } finally {
      const now = performance.now();
      restsUntil = now + Math.min(SHARED_FOR_MS, REST_FACTOR * (now - begunAt));
    }
  };
  let running: Promise<unknown> = Promise.resolve();
  const begin = async (): Promise<Reading> => {
    await running.catch(() => undefined); // Whoever asked for it has the error.
    await rest(restsUntil - performance.now());
    next = undefined;
    const reading = measured();
    running = reading;
    return reading;
  };
  return () => (next ??= begin());
}

function rest(ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => void setTimeout(resolve, ms).unref());
}
