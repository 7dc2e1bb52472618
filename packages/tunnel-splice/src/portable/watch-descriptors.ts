/** Watches whether there are descriptors left for another tunnel. */
import { closeSync, openSync } from 'node:fs';

const INTERVAL_MS = 1_000;
const DESCRIPTORS_A_TUNNEL = 2;

/**
 * Checks every second, for libuv reports nothing: without a free descriptor it uses a spare one to accept and close what is queued.
 *
 * @param onShortage gets the error's number, negated
 * @returns ends it
 */
export function watchDescriptors(onShortage: (errno: number) => void): () => void {
  const timer = setInterval(() => {
    const opened: number[] = [];
    try {
      while (opened.length < DESCRIPTORS_A_TUNNEL) opened.push(openSync('/dev/null', 'r'));
    } catch (cause) {
      if (cause instanceof Error && 'errno' in cause && typeof cause.errno === 'number') onShortage(cause.errno);
    }
    for (const fd of opened) closeSync(fd);
  }, INTERVAL_MS).unref();
  return () => clearInterval(timer);
}
