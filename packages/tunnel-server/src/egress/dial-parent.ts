/** Dials one parent and asks it for one destination. */
import type { OwnAddresses } from '@sallyport/policy';
import type { Resolver } from '@sallyport/resolver';
import type { Address, DeadlineMs, Departure, JoinPlan, Leg } from '@sallyport/tunnel-splice';
import { headerFor } from '../proxy-header/write.ts';
import { TunnelError } from '../reasons.ts';
import { type Dialled, dialOrJoin } from './direct.ts';
import type { ParentEgress } from './egress.ts';
import type { Joining } from './joining.ts';
import { addressOf, findParent } from './parent-addresses.ts';
import { TLS_FAILED, tlsFailureOf, UNANSWERED } from './parent-faults.ts';
import type { ParentDestination, ParentQuestion } from './parent-question.ts';
import { type DialList, isWhole, type RaceOptions } from './race.ts';

const NO_BYTES = new Uint8Array(0);

/** What is the same for all tunnels of a door. */
export interface ParentTools {
  readonly dial: RaceOptions['dial'];
  readonly onAttempt: NonNullable<RaceOptions['onAttempt']>;
  readonly resolver: Resolver;
  /** Our own listening addresses. */
  readonly bound: { readonly own: OwnAddresses };
  readonly planJoin: (tunnel: Joining['tunnel'], joiner: Joining['joiner']) => JoinPlan;
}

/** What a parent is dialled for. */
export interface ParentRequest {
  readonly client: Leg;
  /** Undefined: the parent is only connected to. */
  readonly destination: ParentDestination | undefined;
  readonly deadline: DeadlineMs;
  /** Where it is possible, the tunnel is set up as soon as the parent has answered. */
  readonly joining: Joining | undefined;
}

/**
 * The result of one parent. All but `up` and `joined` have left nothing open. `isAnswered`: the client's first bytes were sent already, and
 * the guard of the plan has returned the leg.
 */
export type ParentAttempt =
  | { readonly kind: 'up'; readonly leg: Leg; readonly isAnswered: boolean }
  | { readonly kind: 'joined' }
  /** `refused` is final: the parent said no. After `down` and `silent` another egress may be tried. */
  | {
      readonly kind: 'refused' | 'down' | 'silent';
      readonly why: string;
      readonly status?: number;
      /** It has sent something that is no answer. */
      readonly isUnfit?: boolean;
      /** It took the connection, and closed it without an answer. */
      readonly hasLeft?: boolean;
      /** It did not even take the connection, or TLS: no destination is to blame for that. */
      readonly isAbsent?: boolean;
      /** Where it was dialled. */
      readonly upstream?: Address | undefined;
    };

/**
 * Throws or rejects: `loop` where the parent is this program itself, `overload`, and `client_closed`. Nothing stays open then. No async
 * function, nor are those that it calls for every tunnel: the state of one takes half a kilobyte while the parent is awaited.
 */
export function dialParent(parent: ParentEgress, request: ParentRequest, tools: ParentTools): Promise<ParentAttempt> {
  const { own } = tools.bound;
  if (parent.located !== undefined) return dialAt(addressOf(parent.located, parent, own), parent, request, tools);
  const { client, deadline } = request;
  return findParent(parent, { client, deadline, resolver: tools.resolver, own }).then((found) =>
    typeof found === 'string'
      ? noted(parent, request, { kind: 'down', why: found })
      : dialAt(found, parent, request, tools),
  );
}

function dialAt(
  addresses: DialList,
  parent: ParentEgress,
  request: ParentRequest,
  tools: ParentTools,
): Promise<ParentAttempt> {
  const question = request.destination === undefined ? NO_QUESTION : parent.ask(request.destination);
  // With several addresses, more than one may be asked: the answer of the first to connect is read here.
  const isOne = addresses.length === 1 && isWhole(addresses);
  const isJoinable = request.joining !== undefined && parent.trust === undefined && isOne;
  const answer = isJoinable ? parent.habit.answer : undefined;
  return dialOrJoin(addresses, request.client, dialOptions(parent, question, answer, request, tools)).then(
    (dialled) => goOnFrom(dialled, question, parent, request),
    (cause: unknown) => noted(parent, request, failureOf(cause)),
  );
}

function goOnFrom(
  dialled: Dialled,
  question: ParentQuestion,
  parent: ParentEgress,
  request: ParentRequest,
): ParentAttempt | Promise<ParentAttempt> {
  if (dialled.kind === 'joined') return noted(parent, request, dialled);
  const { leg } = dialled;
  if (dialled.isAnswered) return noted(parent, request, { kind: 'up', leg, isAnswered: true });
  if (parent.trust !== undefined) leg.write(question.opening);
  return converse(leg, question, parent, request).then((attempt) =>
    noted(parent, request, 'why' in attempt ? { ...attempt, upstream: leg.remote } : attempt),
  );
}

function noted(
  { health, metrics }: ParentEgress,
  { destination }: ParentRequest,
  attempt: ParentAttempt,
): ParentAttempt {
  const isUp = attempt.kind === 'up' || attempt.kind === 'joined';
  if (attempt.kind === 'down' || ('isAbsent' in attempt && attempt.isAbsent)) health.down(performance.now());
  else if (attempt.kind === 'silent') health.silent(performance.now());
  // One that was only connected to has still to answer.
  else if (!isUp || destination !== undefined) health.answered();
  metrics.attempt(isUp ? 'ok' : attempt.kind);
  return attempt;
}

const NO_QUESTION: ParentQuestion = {
  opening: NO_BYTES,
  answer: () => Promise.resolve({ kind: 'opened', said: NO_BYTES }),
};

/** Written out, in the order of a door's own: dials with different shapes are slow. */
function dialOptions(
  { address, trust, proxyProtocol }: ParentEgress,
  { opening }: ParentQuestion,
  answer: Uint8Array | undefined,
  { client, deadline, joining }: ParentRequest,
  { dial, onAttempt, planJoin }: ParentTools,
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
    join: answer && joining && planJoin(joining.tunnel, joining.joiner),
    onAttempt,
    onOutcome: undefined,
  };
}

/** The failure of a dial. Throws what is not the parent's fault. */
function failureOf(cause: unknown): ParentAttempt {
  if (cause instanceof TunnelError && cause.reason === 'client_closed') throw clientLeft();
  const why = cause instanceof TunnelError ? DOWN.get(cause.reason) : undefined;
  if (why === undefined || !(cause instanceof TunnelError)) throw cause;
  const { upstream } = cause;
  if (cause.reason === 'connect_timeout' || cause.reason === 'handshake_timeout')
    return { kind: 'silent', isAbsent: true, why, upstream };
  return { kind: 'down', why: cause.reason === 'egress' ? `${why}: ${cause.detail}` : why, upstream };
}

/** Failures of a dial that are the parent's. All others are ours, or the client's. */
const DOWN: ReadonlyMap<TunnelError['reason'], string> = new Map([
  ['refused', 'refused the connection'],
  ['unreachable', 'cannot be reached from here'],
  ['connect_timeout', 'did not take the connection in time'],
  ['egress', TLS_FAILED],
  ['handshake_timeout', 'did not complete the TLS handshake in time'],
]);

async function converse(
  leg: Leg,
  question: ParentQuestion,
  { habit }: ParentEgress,
  { client, deadline }: ParentRequest,
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
  if (seen.hasLeft) throw clientLeft();
  switch (answer.kind) {
    case 'refused':
      return answer;
    case 'silent':
      return { kind: 'silent', why: 'did not answer in time' };
    case 'left':
      return whyLeft(leg, answer.how);
    case 'unfit':
      // It has sent something, so it may have acted on the request.
      return { kind: 'refused', isUnfit: true, why: answer.why };
    case 'opened':
      return { kind: 'down', why: 'was left' };
  }
}

/** In the same words whoever reads the answer, the dial or this side of it. */
function clientLeft(): TunnelError {
  return new TunnelError('client_closed', 'The client left while the proxy beyond this one was asked.');
}

function whyLeft(leg: Leg, how: Departure): ParentAttempt {
  const why = tlsFailureOf(leg);
  return why === undefined ? { kind: 'down', hasLeft: true, why: UNANSWERED[how] } : { kind: 'down', why };
}
