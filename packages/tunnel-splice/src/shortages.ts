/** Reports that clients were refused because descriptors or memory ran out. */
import { getSystemErrorName } from 'node:util';

/** Gets the name of the error: `EMFILE`, for example. */
export type ShortageListener = (code: string) => void;

const AGAIN_MS = 60_000;

/** Takes error numbers as the system gives them, negated, and reports each once a minute at most: they come in thousands. */
export function toldSeldom(listener: ShortageListener): (errno: number) => void {
  const againAt = new Map<number, number>();
  return (errno) => {
    const now = performance.now();
    if (now < (againAt.get(errno) ?? 0)) return;
    againAt.set(errno, now + AGAIN_MS);
    listener(getSystemErrorName(errno));
  };
}
