import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnswerGuard, JoinPlan, Leg, TunnelCounts } from '../src/index.ts';
import { loadAddon } from '../src/native/load.ts';
import { patternOf } from './contract/bytes.ts';
import { followSplice } from './contract/followed.ts';
import { PATIENT } from './contract/stage.ts';
import { addonPath, likeOpening, MASK, NONCE, VerdictStage, type Client } from './verdict-stage.ts';

/** What one client does. Where its part has one outcome, that is compared. */
interface Part {
  readonly seed: number;
  readonly says: 'the like' | 'the like in two pieces' | 'the like and more' | 'something else' | 'too little';
  readonly thenSays: number;
  /** `at-once`: it may have left before its tunnel is up, or after. */
  readonly leaves: 'in-order' | 'at-once' | 'by-rst';
  readonly pauses: boolean;
}

/** Between two clients. */
type Event = Part | 'forget' | { readonly remembersFor: number };

interface Seen {
  readonly heard: string;
  readonly departure: string;
}

const part: fc.Arbitrary<Part> = fc.record({
  seed: fc.nat({ max: 1_000_000 }),
  says: fc.oneof(
    { weight: 6, arbitrary: fc.constant('the like' as const) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        ...(['the like in two pieces', 'the like and more', 'something else', 'too little'] as const),
      ),
    },
  ),
  thenSays: fc.integer({ min: 1, max: 100_000 }),
  leaves: fc.oneof(
    { weight: 4, arbitrary: fc.constant('in-order' as const) },
    { weight: 1, arbitrary: fc.constantFrom('at-once' as const, 'by-rst' as const) },
  ),
  pauses: fc.boolean(),
});
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 10, arbitrary: part },
  { weight: 1, arbitrary: fc.constant('forget' as const) },
  { weight: 2, arbitrary: fc.record({ remembersFor: fc.integer({ min: 2, max: 8 }) }) },
);
const terms = fc.record({ isSentUp: fc.boolean(), isGuarded: fc.boolean() });

/** The upstreams echo the opening. So half of all answers begin so. */
const beginning = { bytes: Buffer.alloc(NONCE.at + 1), mask: Buffer.alloc(NONCE.at + 1) };
beginning.mask[NONCE.at] = 1;
const guard: AnswerGuard = { beginning, answerTimeoutMs: Infinity };
const reply = Buffer.from('200 ');

describe.skipIf(loadAddon(addonPath).kind === 'unavailable').each([1, 2])(
  'what is repeated, on %i threads,',
  (threads) => {
    let stage: VerdictStage;
    beforeEach(async () => {
      stage = await VerdictStage.open(threads);
      stage.echo();
    });
    afterEach(() => stage.close());

    it('comes to the same as what is decided each time, for any clients', async () => {
      let repeated = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(event, { minLength: 4, maxLength: 24 }),
          terms,
          async (events, { isSentUp, isGuarded }) => {
            const plan = { isSentUp, guard: isGuarded && isSentUp ? guard : undefined };
            repeated += await compare(stage, events, plan);
          },
        ),
        { numRuns: 30 },
      );
      expect(repeated).toBeGreaterThan(0);
    }, 120_000);
  },
);

type Plan = Pick<JoinPlan, 'guard'> & { readonly isSentUp: boolean };

/** Plays it at a door whose clients are decided one by one, and at one where many are repeated. Returns how many were. */
async function compare(stage: VerdictStage, events: readonly Event[], plan: Plan): Promise<number> {
  const usual = await stage.listen();
  const repeating = await stage.listen();
  const decided: Promise<void>[] = [];
  stage.onHandedOut = (leg) => decided.push(decide(stage, leg, plan));
  const models = new Set<number>();
  const verdicts: Promise<boolean>[] = [];
  let promised = 0;
  let made = 0;
  const ends = new Map<number, Promise<TunnelCounts>>();

  const remember = async (tunnels: number): Promise<void> => {
    const model = stage.connect({ to: repeating });
    const came = await model.outcome;
    if (came.kind !== 'handed-out') throw new Error('a silent client was joined');
    promised += tunnels;
    verdicts.push(
      new Promise((resolve) => {
        const verdict = stage.verdictFor(came.leg, { ...plan, reply, tunnels, onForgotten: resolve });
        const ended = new Map<number, (counts: TunnelCounts) => void>();
        stage.transport.remember?.({
          ...verdict,
          keeper: { tunnelEnded: (tunnel, counts) => ended.get(tunnel)?.(counts) },
          onRepeated: (tunnel, told) => {
            made += 1;
            ends.set(told.remotePort, new Promise((resolveEnd) => ended.set(tunnel, resolveEnd)));
            verdict.onRepeated(tunnel, told);
          },
        });
      }),
    );
    models.add(model.peer.socket.localPort ?? 0);
    model.peer.finish();
  };

  const played: {
    readonly part: Part;
    readonly clients: readonly Client[];
    readonly seen: Promise<readonly Seen[]>;
  }[] = [];
  for (const each of events) {
    if (each === 'forget') stage.transport.forgetVerdicts?.();
    else if ('remembersFor' in each) await remember(each.remembersFor);
    else {
      const clients = [usual, repeating].map((to) => stage.connect({ to }));
      played.push({ part: each, clients, seen: Promise.all(clients.map((client) => play(client, each, plan))) });
      if (each.pauses) await Promise.race([played.at(-1)?.seen, new Promise((resolve) => setTimeout(resolve, 20))]);
    }
  }
  for (const { part: each, seen } of played) {
    const [one, other] = await seen;
    if (each.leaves === 'in-order') expect(other, JSON.stringify(each)).toEqual(one);
  }
  // Each has one outcome: a second would be an error.
  const outcomes = await Promise.all(played.map(({ clients }) => Promise.all(clients.map(({ outcome }) => outcome))));
  for (const [at, [atUsual, atRepeating]] of outcomes.entries()) {
    const { part: each, clients } = played[at] ?? never();
    expect(atUsual?.kind).toBe('handed-out');
    if (atRepeating?.kind !== 'repeated') continue;
    expect(['the like', 'the like in two pieces']).toContain(each.says);
    const counts = await ends.get(clients[1]?.peer.socket.localPort ?? atRepeating.repeated.remotePort);
    if (each.leaves !== 'in-order') continue;
    const opening = plan.isSentUp ? MASK.length : 0;
    expect(counts).toMatchObject({ bytesUp: opening + each.thenSays, bytesDown: opening + each.thenSays });
  }
  expect(made).toBe(outcomes.filter(([, atRepeating]) => atRepeating?.kind === 'repeated').length);
  expect(made).toBeLessThanOrEqual(promised);
  stage.transport.forgetVerdicts?.();
  await Promise.all(verdicts);
  await Promise.all([usual.close(), repeating.close()]);
  await Promise.all(decided);
  return made;
}

function never(): never {
  throw new Error('there is one for each');
}

async function play({ peer, outcome }: Client, each: Part, { isSentUp }: Plan): Promise<Seen> {
  const like = likeOpening(each.seed);
  const other = Buffer.from(like);
  other[0] = (other[0] ?? 0) ^ 1;
  const more = patternOf(each.thenSays, each.seed);
  const first = { 'the like': like, 'the like in two pieces': like, 'the like and more': Buffer.concat([like, more]) };
  const said =
    each.says === 'something else' ? other : each.says === 'too little' ? like.subarray(0, 100) : first[each.says];
  peer.send(each.says === 'the like in two pieces' ? said.subarray(0, 200) : said);
  if (each.says === 'the like in two pieces') {
    await peer.sends(new Uint8Array(0));
    peer.send(said.subarray(200));
  }
  if (each.leaves === 'by-rst') {
    await peer.sends(new Uint8Array(0));
    peer.reset();
    return { heard: '', departure: '' };
  }
  const isJoined = each.says !== 'something else' && each.says !== 'too little';
  const isHeard = isJoined && each.leaves === 'in-order';
  const up = isSentUp ? like.length : 0;
  if (isHeard) {
    await peer.receives(reply.length + up);
    if (each.says !== 'the like and more') peer.send(more);
    await peer.receives(reply.length + up + more.length);
  }
  peer.finish();
  const departure = await peer.departure;
  await outcome;
  return { heard: peer.received.toString('hex'), departure };
}

/** What the code above a transport does: it reads the opening, and joins the client or turns it away. */
async function decide(stage: VerdictStage, leg: Leg, plan: Plan): Promise<void> {
  const opening = await readOpening(leg);
  if (opening === undefined) leg.close();
  else if (isLikeTheModel(opening)) await joinUsually(stage, leg, { plan, opening });
  else leg.close(Buffer.from('no'));
}

async function readOpening(leg: Leg): Promise<Buffer | undefined> {
  let opening = Buffer.alloc(0);
  while (opening.length < MASK.length) {
    const piece = await leg.read(MASK.length - opening.length, Infinity);
    if (typeof piece === 'string') return undefined;
    opening = Buffer.concat([opening, piece]);
  }
  return opening;
}

const model = likeOpening(0);
const isLikeTheModel = (opening: Buffer): boolean =>
  opening.every((byte, at) => ((byte ^ (model[at] ?? 0)) & (MASK[at] ?? 0)) === 0);

async function joinUsually(
  { transport, upstreamAddress }: VerdictStage,
  leg: Leg,
  { plan, opening }: { readonly plan: Plan; readonly opening: Buffer },
): Promise<void> {
  const options = { ...PATIENT, ...(plan.isSentUp && { clientBytes: opening }), guard: plan.guard };
  const keeper = { tunnelEnded: () => undefined };
  const join = { ...options, client: leg, reply, keeper, onUp: () => undefined };
  const dialled = await transport.dial(upstreamAddress, { deadline: Infinity, join }).done;
  if (dialled.kind === 'connected') {
    leg.write(reply);
    // The opening was sent up by the dial.
    followSplice(transport, leg, dialled.leg, PATIENT);
  } else if (dialled.kind !== 'joined') leg.close();
}
