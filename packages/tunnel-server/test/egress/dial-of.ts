import type { Dial, DialResult } from '@sallyport/tunnel-splice';

/** A dial with this result, in place of one that no kernel gives at will. */
export function dialOf(done: Promise<DialResult>, cancel: () => void = () => undefined): Dial {
  return { done, whenDone: (listener) => void done.then(listener), cancel };
}
