/** The facts of a client that was closed as it came, for want of a descriptor: nobody has read a byte of it. */
import type { Address } from '@sallyport/tunnel-splice';
import { REFUSALS } from '../reasons.ts';
import { NO_PLACE } from './hellos-under-way.ts';
import type { Ending, RecordedDoor, TunnelFacts } from './tunnel-facts.ts';

export function factsOfTurnedAway(number: number, door: RecordedDoor, client: Address): TunnelFacts {
  return {
    number,
    door,
    client,
    openedAt: performance.now(),
    hasPlace: false,
    user: undefined,
    destination: undefined,
    hello: undefined,
    helloPlace: NO_PLACE,
    original: undefined,
    decision: undefined,
    hasDialled: false,
    egress: undefined,
    upstream: undefined,
    resolveMs: undefined,
    connectMs: undefined,
    upAt: undefined,
    status: undefined,
    remark: undefined,
  };
}

/** The same word as for a client whose dial finds no descriptor. */
export function endingOfTurnedAway({ openedAt }: TunnelFacts): Ending {
  const { outcome, level } = REFUSALS.overload;
  return {
    outcome,
    reason: 'overload',
    level,
    endedAt: openedAt,
    bytesUp: 0,
    bytesDown: 0,
    firstByteMs: undefined,
    stage: 'admit',
    detail: 'Sallyport was out of descriptors when the client connected.',
  };
}
