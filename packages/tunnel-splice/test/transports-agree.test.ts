import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPortableTransport, type Transport, type TunnelEnd } from '../src/index.ts';
import { loadAddon } from '../src/native/load.ts';
import { createNativeTransport } from '../src/native/transport.ts';
import { patternOf } from './contract/bytes.ts';
import type { Peer } from './contract/peer.ts';
import { openStage, type OpenStage, type Tunnel } from './contract/stage.ts';

/** What one side does, a step at a time. A step is over when its effect has reached the other side, so every schedule has one outcome. */
type Step =
  | { readonly does: 'says'; readonly who: Who; readonly bytes: number }
  | { readonly does: 'says-to-a-stalled-reader'; readonly who: Who; readonly bytes: number }
  | { readonly does: 'finishes'; readonly who: Who };
type Who = 'client' | 'upstream';
type LastStep =
  | { readonly does: 'both-finish' | 'cut' }
  /** Its last words, if any, are in the kernel already: what the RST finds still unsent is lost on any connection. */
  | { readonly does: 'resets'; readonly who: Who; readonly lastWords: number }
  | { readonly does: 'finishes-and-resets'; readonly who: Who };

interface Outcome {
  readonly end: TunnelEnd;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly heardByUpstream: string;
  readonly heardByClient: string;
  readonly hasFirstByte: boolean;
}

const who = fc.constantFrom<Who>('client', 'upstream');
const bytes = fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 700_000 }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant('says' as const), who, bytes }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('says-to-a-stalled-reader' as const), who, bytes }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('finishes' as const), who }) },
);
const lastStep: fc.Arbitrary<LastStep> = fc.oneof(
  fc.record({ does: fc.constantFrom('both-finish' as const, 'cut' as const) }),
  fc.record({ does: fc.constant('resets' as const), who, lastWords: fc.nat({ max: 3_000 }) }),
  fc.record({ does: fc.constant('finishes-and-resets' as const), who }),
);

describe.skipIf(loadAddon().kind === 'unavailable')('the two transports', () => {
  const stages: OpenStage[] = [];

  beforeAll(async () => {
    for (const transport of [createPortableTransport(), createNative()]) stages.push(await openStage(transport));
  });
  afterAll(() => Promise.all(stages.map((stage) => stage.close())));

  it('relay any schedule alike: the same bytes, counts and end', async () => {
    const schedule = fc.array(step, { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(schedule, lastStep, async (steps, last) => {
        const [portable, native] = await Promise.all(stages.map((stage) => perform(stage, steps, last)));
        expect(native).toEqual(portable);
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});

async function perform(stage: OpenStage, steps: readonly Step[], last: LastStep): Promise<Outcome> {
  const tunnel = await stage.openTunnel();
  const play = new Play(tunnel);
  for (const each of steps) await play.take(each);
  await play.end(last);
  const { end, bytesUp, bytesDown, firstByteAt } = await tunnel.splice.done;
  return {
    end,
    bytesUp,
    bytesDown,
    heardByUpstream: digest(tunnel.upstream),
    heardByClient: digest(tunnel.client),
    hasFirstByte: firstByteAt !== undefined,
  };
}

/** One run of a schedule: who has said how much, and who has finished. */
class Play {
  readonly #tunnel: Tunnel;
  readonly #said: Record<Who, number> = { client: 0, upstream: 0 };
  readonly #finished = new Set<Who>();

  constructor(tunnel: Tunnel) {
    this.#tunnel = tunnel;
  }

  async take(step: Step): Promise<void> {
    if (this.#finished.has(step.who)) return;
    const listener = this.#other(step.who);
    switch (step.does) {
      case 'says':
        await this.#say(step.who, step.bytes);
        break;
      case 'says-to-a-stalled-reader':
        listener.stall();
        this.#tunnel[step.who].send(this.#next(step.who, step.bytes));
        await new Promise(setImmediate);
        listener.readOn();
        await listener.receives(this.#said[step.who]);
        break;
      case 'finishes':
        // The second FIN would be the end.
        if (this.#finished.size === 0) await this.#finish(step.who);
        break;
    }
  }

  async end(last: LastStep): Promise<void> {
    switch (last.does) {
      case 'both-finish':
        for (const side of ['client', 'upstream'] as const) if (!this.#finished.has(side)) await this.#finish(side);
        break;
      case 'resets':
        if (!this.#finished.has(last.who)) this.#tunnel[last.who].send(this.#next(last.who, last.lastWords));
        this.#tunnel[last.who].reset();
        await this.#other(last.who).receives(this.#said[last.who]);
        break;
      case 'finishes-and-resets':
        if (!this.#finished.has(last.who)) await this.#finish(last.who);
        this.#tunnel[last.who].reset();
        break;
      case 'cut':
        this.#tunnel.splice.cut();
        break;
    }
  }

  async #say(side: Who, length: number): Promise<void> {
    this.#tunnel[side].send(this.#next(side, length));
    await this.#other(side).receives(this.#said[side]);
  }

  async #finish(side: Who): Promise<void> {
    this.#finished.add(side);
    this.#tunnel[side].finish();
    await this.#other(side).departure;
  }

  #next(side: Who, length: number): Buffer {
    this.#said[side] += length;
    return patternOf(length, this.#said[side]);
  }

  #other(side: Who): Peer {
    return side === 'client' ? this.#tunnel.upstream : this.#tunnel.client;
  }
}

const digest = (peer: Peer): string => createHash('sha256').update(peer.received).digest('hex');

function createNative(): Transport {
  const made = createNativeTransport({ threads: 2 });
  if (made.kind === 'unavailable') throw new Error(made.reason);
  return made.transport;
}
