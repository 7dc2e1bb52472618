/** The last events of data threads that have ended: how tunnels ended. Other events no longer matter then. */
import type { EventHandler } from './event-reader.ts';

type Heard = Pick<EventHandler, 'joined' | 'tunnelEnded' | 'detached' | 'repeated'>;

const IGNORED = (): void => undefined;

export function lastWordsTo({ joined, tunnelEnded, detached, repeated }: Heard): EventHandler {
  return {
    joined,
    tunnelEnded,
    detached,
    repeated,
    accepted: IGNORED,
    data: IGNORED,
    gone: IGNORED,
    end: IGNORED,
    failed: IGNORED,
    drained: IGNORED,
    silenced: IGNORED,
    dialed: IGNORED,
    listenerClosed: IGNORED,
    shortage: IGNORED,
    forgotten: IGNORED,
    turnedAway: IGNORED,
  };
}
