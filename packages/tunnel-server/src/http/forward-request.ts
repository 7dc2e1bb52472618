/**
 * One request of plain HTTP, from its head to the last byte of its response: the steps of a tunnel, with an exchange in place of the
 * splice. Read this first.
 */
import type { DeadlineMs, Leg } from '@sallyport/tunnel-splice';
import type { Ledger } from '../account/ledger.ts';
import type { TunnelRecord } from '../account/tunnel-record.ts';
import type { Door } from '../door.ts';
import type { Identified, PlainHttp } from '../frontend.ts';
import { basicCredentials } from '../egress/ask-http-parent.ts';
import type { Upstream } from '../egress/by-parents.ts';
import type { ParentEgress } from '../egress/egress.ts';
import { reachDestination, toRefusal } from '../reach-destination.ts';
import { TunnelError } from '../reasons.ts';
import { encodeRefusal } from '../refusal-reply.ts';
import { askedDestination } from '../refusal/asked-destination.ts';
import { readReplyWishes } from '../refusal/reply-wishes.ts';
import { type ContentForm, requestContentForm } from './content-form.ts';
import { encodeHead } from './encode-head.ts';
import { Exchange, type ExchangeEnd } from './exchange.ts';
import { forwardsLeft, offeredUpgrade, requestFieldsUp, switchingFieldsDown } from './fields.ts';
import { Inflow } from './flows.ts';
import { malformedRequest } from './malformed-request.ts';
import { fieldValue, findDoubtfulField, joinedValues, type RequestHead } from './request-head.ts';
import { readForHead, requireHead } from './read-request-head.ts';
import { parseRequestTarget, type RequestTarget } from './request-target.ts';

/** The client, and where the result of its request is recorded. */
export interface Visit {
  readonly client: Leg;
  readonly door: Door;
  readonly ledger: Ledger;
  readonly record: TunnelRecord;
  /** When the connection ends in any case. */
  readonly lifetimeDeadline: DeadlineMs;
}

/** A connection whose request has been answered in full, and which may bring another. It has a place in the limits. */
export interface KeptAlive {
  readonly client: Leg;
  /** Bytes behind the request. They were not parsed. */
  readonly unread: Uint8Array;
  readonly lifetimeDeadline: DeadlineMs;
}

/**
 * Answers one request in any case, and ends its record; never rejects. Owns the client, unless it returns a connection that is kept. The
 * checks are in the order of `serveTunnel`. Each request has its own upstream connection, which ends with it: the permission of one
 * request is not used for the next.
 */
export async function forwardRequest(visit: Visit, opening: PlainHttp): Promise<KeptAlive | undefined> {
  const { record } = visit;
  let said = opening.clientBytes;
  try {
    const { prereadLimitBytes } = visit.door.prereadLimits();
    const limits = { prereadLimitBytes, deadline: opening.headDeadline };
    const preread = await readForHead(visit.client, limits, opening.clientBytes);
    said = preread.bytes;
    const read = requireHead(preread, limits);
    const asked = judge(read.head, opening);
    const identified = record.identified(await identify(asked, opening, visit));

    const upstream = await reachDestination(visit, identified);

    record.enter('relay');
    return await exchange(asked, new Inflow(visit.client, read.unread), upstream, visit);
  } catch (cause) {
    refuseRequest(toRefusal(cause, visit), { visit, opening, said });
    return undefined;
  }
}

interface Asked {
  readonly head: RequestHead;
  readonly target: Extract<RequestTarget, { kind: 'target' }>;
  readonly form: ContentForm;
}

/** Checks that it is well formed, and may be forwarded at all. */
function judge(head: RequestHead, { isToProxy }: PlainHttp): Asked {
  const host = fieldValue(head, 'host');
  const target = parseRequestTarget({ method: head.method, requestTarget: head.requestTarget, host }, isToProxy);
  const doubtful = findDoubtfulField(head) ?? (host === undefined && head.version === '1.1' ? NO_HOST : undefined);
  const isHostToBlame = target.kind === 'target' || (!isToProxy && head.requestTarget.startsWith('/'));
  if (doubtful !== undefined && isHostToBlame) throw malformedRequest(doubtful);
  if (target.kind === 'malformed') throw malformedRequest(target.why);
  const form = requestContentForm(head);
  if (form.kind === 'malformed') throw malformedRequest(form.why);
  return { head, target, form };
}

/** RFC 9112 §3.2: a request without one must be refused, even where its target names the destination. */
const NO_HOST = 'the head has no Host field';

/** We would have to answer in the destination's place (RFC 9110 §7.6.2), which we do not do. */
function requireForwardable(head: RequestHead): void {
  if (forwardsLeft(head) !== 0) return;
  const remedy = 'Raise Max-Forwards, or leave it out.';
  throw new TunnelError('method', 'The request may be forwarded no further.', { remedy });
}

/** Every request is authenticated by itself: a connection has no user. */
async function identify({ head, target }: Asked, opening: PlainHttp, { door, record }: Visit): Promise<Identified> {
  record.asked(target.destination);
  requireForwardable(head);
  const credentials = fieldValue(head, 'proxy-authorization');
  const user = await opening.identifyUser(credentials, door.prereadLimits().deadline);
  const via = joinedValues(head, 'via');
  return { destination: target.destination, clientBytes: new Uint8Array(0), via, ...user };
}

/** Throws a TunnelError as long as the client has got no response. */
async function exchange(asked: Asked, client: Inflow, way: Upstream, visit: Visit): Promise<KeptAlive | undefined> {
  const { record, ledger, door, lifetimeDeadline } = visit;
  const { head, form } = asked;
  const { leg: upstream, forwarder } = way;
  const mayUpgrade = offeredUpgrade(head) !== undefined;
  const underWay = new Exchange({
    client,
    upstream,
    request: head,
    form,
    headUp: encodeHeadUp(asked, forwarder),
    forwarder: forwarder?.name,
    mayUpgrade,
    // What the client sent for another protocol must not be read as its next request when the protocol did not change.
    isLast: () => mayUpgrade || ledger.isDraining || ledger.isLeaving,
    turns: ledger.framingTurns,
    idleTimeoutMs: door.httpLimits().idleTimeoutMs,
    lifetimeDeadline,
  });
  record.relaying(upstream, underWay);
  const end = await underWay.done;
  if (forwarder) noteAnswer(forwarder, end);
  return conclude(end, client, upstream, visit);
}

/** As for a CONNECT, except that no other parent is asked: this one may have passed the request on. */
function noteAnswer({ health }: ParentEgress, end: ExchangeEnd): void {
  if (end.kind !== 'unanswered') health.answered();
  else if (end.parent === 'down') health.down(performance.now());
  else if (end.parent === 'silent') health.silent(performance.now());
}

/** The destination gets origin-form, a proxy absolute-form (RFC 9112 §3.2), with credentials of ours. */
function encodeHeadUp({ head, target, form }: Asked, forwarder: Upstream['forwarder']): Uint8Array {
  const fields = requestFieldsUp(head, form, target.host);
  if (forwarder === undefined) return encodeHead(`${head.method} ${target.originForm} HTTP/1.1`, fields);
  const { credentials } = forwarder;
  const login = credentials ? [['Proxy-Authorization', basicCredentials(credentials)] as const] : [];
  const path = target.originForm === '*' ? '' : target.originForm;
  return encodeHead(`${head.method} http://${target.host}${path} HTTP/1.1`, [...fields, ...login]);
}

function conclude(end: ExchangeEnd, client: Inflow, upstream: Leg, visit: Visit): KeptAlive | undefined {
  const { record, lifetimeDeadline } = visit;
  switch (end.kind) {
    case 'unanswered':
      throw end.error;
    case 'broken':
      record.failed(end.error, end.status, end.firstByteAt);
      return undefined;
    case 'switched':
      relaySwitched(end, client, upstream, visit);
      return undefined;
    case 'answered':
      if (end.remark !== undefined) record.remarked(end.remark);
      if (end.isKept) record.leavePlace();
      else visit.client.close();
      record.ended(end.result, end.status);
      // A copy, so that an idle connection does not keep the whole buffer.
      return end.isKept ? { client: visit.client, unread: new Uint8Array(client.unread), lifetimeDeadline } : undefined;
  }
}

/**
 * After a 101 the connection is a tunnel until its lifetime ends, and the transport relays it. What either side has sent already goes
 * first, in order.
 */
function relaySwitched(
  { head, upstreamBytes }: Extract<ExchangeEnd, { kind: 'switched' }>,
  from: Inflow,
  upstream: Leg,
  visit: Visit,
): void {
  const { client, door, record, lifetimeDeadline } = visit;
  client.write(encodeHead(`HTTP/1.1 ${head.status} ${head.reasonPhrase}`, switchingFieldsDown(head)));
  const { tunnels, tunnel } = door.splice(
    client,
    upstream,
    { clientBytes: from.unread, upstreamBytes },
    lifetimeDeadline,
  );
  record.isUp(tunnels, tunnel, { upstream: upstream.remote, status: head.status });
}

interface Refused {
  readonly visit: Visit;
  readonly opening: PlainHttp;
  /** As much of the request as has arrived. */
  readonly said: Uint8Array;
}

/** The methods that a 405 recommends; others are forwarded too. */
const FORWARDED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';

/** Sends the client the refusal, in HTTP, and reads nothing more of it. */
function refuseRequest(error: TunnelError, { visit, opening, said }: Refused): void {
  const { client, record } = visit;
  record.asked(askedDestination(said, opening.isToProxy));
  // Where there is no login, `auth` is about a certificate: the client gets what a failed TLS handshake gives it.
  const isMute = error.reason === 'auth' && opening.realm === undefined;
  const reply = isMute
    ? undefined
    : encodeRefusal(error, {
        tunnel: record,
        date: new Date(),
        ...readReplyWishes(said),
        realm: opening.realm,
        allow: FORWARDED_METHODS,
      });
  client.close(reply?.bytes);
  record.failed(error, reply?.status);
}
