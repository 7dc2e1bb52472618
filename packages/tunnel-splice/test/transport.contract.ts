/** What `src/transport.ts` promises, as tests: one suite, run by every transport. */
import { describe } from 'vitest';
import type { Transport } from '../src/index.ts';
import { describeAsking } from './contract/asking.ts';
import { describeClosing } from './contract/closing.ts';
import { describeDeadlines } from './contract/deadlines.ts';
import { describeDepartures } from './contract/departures.ts';
import { describeDialling } from './contract/dialling.ts';
import { describeJoining } from './contract/joining.ts';
import { describeGuarding } from './contract/guarding.ts';
import { describeListening } from './contract/listening.ts';
import { describeHandingOver } from './contract/handing-over.ts';
import { describeHandshakes } from './contract/handshakes.ts';
import { describeLosses } from './contract/losses.ts';
import { describeMany } from './contract/many.ts';
import { describeReading } from './contract/reading.ts';
import { describeRelaying } from './contract/relaying.ts';
import { describeRelayingTls } from './contract/relaying-tls.ts';
import { describeUrgentData } from './contract/urgent.ts';
import { describeWriting } from './contract/writing.ts';

/** Holds a transport to its contract; `create` is called once a test, and what it made is stopped after it. */
export function describeTransport(name: string, create: () => Transport): void {
  describe(`the ${name} transport`, () => {
    describeListening(create);
    describeDialling(create);
    describeReading(create);
    describeWriting(create);
    describeClosing(create);
    describeRelaying(create);
    describeUrgentData(create);
    describeJoining(create);
    describeGuarding(create);
    describeAsking(create);
    describe.each(['splice', 'join'] as const)('by %s', (way) => {
      describeDepartures(create, way);
      describeLosses(create, way);
      describeDeadlines(create, way);
    });
    describeHandshakes(create);
    describeRelayingTls(create);
    describeHandingOver(create);
    describeMany(create);
  });
}
