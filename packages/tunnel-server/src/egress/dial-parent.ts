/** Dials one parent and asks it for one destination. */
import type { Ip } from '@sallyport/addresses';
import type { OwnAddresses } from '@sallyport/policy';
import type { Resolver } from '@sallyport/resolver';
import type { Address, DeadlineMs, DialResult, JoinPlan, Leg } from '@sallyport/tunnel-splice';
import { TunnelError } from '../reasons.ts';
import { resolveDestination } from '../resolve-destination.ts';
import { askHttpParent } from './ask-http-parent.ts';
import { askSocks5Parent } from './ask-socks5-parent.ts';
import type { ParentAttempt, Point } from './by-parents.ts';
import { dialDirect, joinDirect } from './direct.ts';
import type { ParentEgress } from './egress.ts';
import { headerFor } from '../proxy-header/write.ts';
import type { DialList, RaceOptions } from './race.ts';

const NO_BYTES = new Uint8Array(0);

/** The question to a parent, in its own protocol. */
export interface ParentQuestion {
  /** The first bytes to it. */
  readonly opening: Uint8Array;
  /** Reads the whole answer. Bytes behind it are put back: they are the destination's. */
  answer(leg: Leg, deadline: DeadlineMs): Promise<ParentAnswer>;
}

/** `left`: it closed the connection without an answer. */
export type ParentAnswer =
  /** `said`: the whole answer; empty where the protocol has several. */
  | { readonly kind: 'opened'; readonly said: Uint8Array }
  | { readonly kind: 'refused'; readonly why: string; readonly status?: number }
  | { readonly kind: 'unfit'; readonly why: string }
  | { readonly kind: 'left' }
  | { readonly kind: 'silent' };

export interface ParentTools {
  readonly dial: RaceOptions['dial'];
  readonly onAttempt: NonNullable<RaceOptions['onAttempt']>;
  readonly resolver: Resolver;
  /** Our own listening addresses. */
  readonly own: OwnAddresses;
  /** The plan to join the client, where the parent answers as before. */
  readonly join: JoinPlan | undefined;
}

/** Throws `loop` where the parent is this program itself, `overload`, and `client_closed`. Nothing stays open then. */
export async function dialParent(
  parent: ParentEgress,
  point: Point | undefined,
  client: Leg,
  deadline: DeadlineMs,
  tools: ParentTools,
): Promise<ParentAttempt> {
  const found = parent.literals ?? (await resolveParent(parent, client, tools.resolver));
  if (typeof found === 'string') return noted(parent, { kind: 'down', why: found });
  const addresses = withoutLoops(found, parent, tools.own);
  const question = point === undefined ? NO_QUESTION : ask(parent, point);
  // With several addresses, more than one may be asked: the answer of the first to connect is read here.
  const isJoinable = tools.join !== undefined && parent.trust === undefined && addresses.length === 1;
  const answer = isJoinable ? parent.habit.answer : undefined;
  const errand = { client, deadline, answer, join: answer && tools.join };
  let dialled: Dialled;
  try {
    dialled = await dialOne(addresses, client, dialOptions(parent, question, errand, tools));
  } catch (cause) {
    return noted(parent, failureOf(cause));
  }
  if (dialled.kind === 'joined') return noted(parent, dialled);
  const { leg } = dialled;
  if (dialled.isAnswered) return noted(parent, { kind: 'up', leg, isAnswered: true });
  if (parent.trust !== undefined) leg.write(question.opening);
  return noted(parent, await converse(leg, question, parent, errand));
}

type Dialled = Extract<DialResult, { kind: 'joined' | 'connected' }>;

async function dialOne(addresses: DialList, client: Leg, options: RaceOptions): Promise<Dialled> {
  if (options.join !== undefined) return joinDirect(addresses, client, options);
  return { kind: 'connected', leg: await dialDirect(addresses, client, options) };
}

function noted({ health, metrics }: ParentEgress, attempt: ParentAttempt): ParentAttempt {
  const isUp = attempt.kind === 'up' || attempt.kind === 'joined';
  if (isUp || attempt.kind === 'refused') health.answered();
  else if (attempt.kind === 'down') health.down(performance.now());
  else health.silent(performance.now());
  metrics.attempt(isUp ? 'ok' : attempt.kind);
  return attempt;
}

interface Errand {
  readonly client: Leg;
  readonly deadline: DeadlineMs;
  /** The answer that is expected before the client is joined by `join`. */
  readonly answer: Uint8Array | undefined;
  readonly join: JoinPlan | undefined;
}

function ask(parent: ParentEgress, point: Point): ParentQuestion {
  return parent.type === 'http' ? askHttpParent(parent, point) : askSocks5Parent(parent, point);
}

const NO_QUESTION: ParentQuestion = {
  opening: NO_BYTES,
  answer: () => Promise.resolve({ kind: 'opened', said: NO_BYTES }),
};

/** Its addresses, or why there are none. */
async function resolveParent(
  { address }: ParentEgress,
  client: Leg,
  resolver: Resolver,
): Promise<readonly Ip[] | string> {
  try {
    const { addresses } = await resolveDestination(resolver, { kind: 'name', ...address }, client);
    return addresses;
  } catch (cause) {
    if (cause instanceof TunnelError && cause.reason.startsWith('dns')) return `has no address: ${cause.detail}`;
    throw cause;
  }
}

function withoutLoops(found: readonly Ip[], { name, address }: ParentEgress, own: OwnAddresses): readonly Address[] {
  const addresses = found
    .filter((ip) => !own.includes(ip, address.port))
    .map(({ text }) => ({ host: text, port: address.port }));
  if (addresses.length > 0) return addresses;
  const detail = `The egress ${name} leads back to Sallyport itself.`;
  throw new TunnelError('loop', 'The proxy beyond this one is this one itself.', { detail });
}

/** Written out, in the order of a door's own: dials with different shapes are slow. */
function dialOptions(
  { address, trust, proxyProtocol }: ParentEgress,
  { opening }: ParentQuestion,
  { client, deadline, answer, join }: Errand,
  { dial, onAttempt }: ParentTools,
): RaceOptions {
  const header = proxyProtocol && headerFor(client, proxyProtocol);
  return {
    dial,
    deadline,
    near: client,
    sourceHost: undefined,
    isSourceForeign: false,
    preface: trust ? header : header ? Buffer.concat([header, opening]) : opening,
    secure: trust && { trust, peerName: address.host },
    isAnswerAwaited: trust === undefined && opening.length > 0,
    answer,
    join,
    onAttempt,
    onOutcome: undefined,
  };
}

/** The failure of a dial. Throws what is not the parent's fault. */
function failureOf(cause: unknown): ParentAttempt {
  const why = cause instanceof TunnelError ? DOWN.get(cause.reason) : undefined;
  if (why === undefined || !(cause instanceof TunnelError)) throw cause;
  if (cause.reason === 'connect_timeout') return { kind: 'silent', why };
  return { kind: 'down', why: cause.reason === 'egress' ? `${why}: ${cause.detail}` : why };
}

/** Failures of a dial that are the parent's. All others are ours, or the client's. */
const DOWN: ReadonlyMap<TunnelError['reason'], string> = new Map([
  ['refused', 'refused the connection'],
  ['unreachable', 'cannot be reached from here'],
  ['connect_timeout', 'did not take the connection in time'],
  ['egress', 'failed to speak TLS'],
]);

async function converse(
  leg: Leg,
  question: ParentQuestion,
  { habit }: ParentEgress,
  { client, deadline }: Errand,
): Promise<ParentAttempt> {
  const seen = { hasLeft: false };
  const forget = client.whenGone(() => {
    seen.hasLeft = true;
    leg.reset();
  });
  const answer = await question.answer(leg, deadline);
  forget();
  if (answer.kind === 'opened') habit.opened(answer.said);
  if (answer.kind === 'opened' && !seen.hasLeft) return { kind: 'up', leg, isAnswered: false };
  leg.close();
  if (seen.hasLeft) throw new TunnelError('client_closed', 'The client left before its tunnel was up.');
  switch (answer.kind) {
    case 'refused':
      return answer;
    case 'silent':
      return { kind: 'silent', why: 'did not answer in time' };
    case 'left':
      return { kind: 'down', why: 'closed the connection without an answer' };
    case 'unfit':
      // It has sent something, so it may have acted on the request.
      return { kind: 'refused', why: answer.why };
    case 'opened':
      return { kind: 'down', why: 'was left' };
  }
}
