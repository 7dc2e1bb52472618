/** One request, from its head to the last byte of its response: the steps of a tunnel, with an exchange in place of the splice. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Leg } from '@sallyport/tunnel-splice';
import type { Ledger } from '../account/ledger.ts';
import type { TunnelRecord } from '../account/tunnel-record.ts';
import type { Door } from '../door.ts';
import type { Identified, PlainHttp } from '../frontend.ts';
import { reachDestination } from '../reach-destination.ts';
import { TunnelError, toTunnelError } from '../reasons.ts';
import { encodeRefusal, type RefusalContext } from '../refusal-reply.ts';
import { encodeHead } from './encode-head.ts';
import { type Answer, Exchange } from './exchange.ts';
import { countPassages, forwardsLeft, offeredUpgrade, requestFieldsUp, switchingFieldsDown } from './fields.ts';
import { LegStream } from './leg-stream.ts';
import { findMalformation } from './request-form.ts';
import type { RequestSource, SourceLimits } from './request-source.ts';
import { parseRequestTarget, type RequestTarget } from './request-target.ts';

/** Who came in, and where what becomes of it is written down. */
export interface Visit {
  readonly client: Leg;
  readonly door: Door;
  readonly ledger: Ledger;
  /** Opened at accept: it becomes the first request's. */
  readonly record: TunnelRecord;
}

/** One request's place in its connection. */
export interface Turn extends Visit {
  readonly opening: PlainHttp;
  readonly limits: SourceLimits;
  readonly connection: LegStream;
  readonly source: RequestSource;
}

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

type Target = Extract<RequestTarget, { kind: 'target' }>;

/** What a request has left of its connection: `switched`, it is a tunnel now, which holds the client's place in the limits. */
type Left = 'connection' | 'switched';

/** Answers one request, whatever comes of it, and ends its record; never rejects. The order of the checks is that of `serveTunnel`. */
export async function forwardRequest({ request, response }: Asked, turn: Turn): Promise<Left> {
  const { record, source } = turn;
  try {
    const target = readTarget(request, turn);
    const identified = record.identified(await identify(request, target, turn));

    const upstream = await reachDestination(turn, identified);

    record.enter('relay');
    const left = await exchange({ request, response }, target, upstream, turn);
    // What is left of it would be read as the next request.
    if (!request.complete) source.close();
    return left;
  } catch (cause) {
    refuseRequest(toTunnelError(cause), turn, { isHead: request.method === 'HEAD', accept: request.headers.accept });
    return 'connection';
  }
}

/** Tells the client why, in HTTP, and reads nothing more of it. */
export function refuseRequest(
  error: TunnelError,
  turn: Turn,
  asked: Pick<RefusalContext, 'isHead' | 'accept'> = {},
): void {
  const { record, source, opening, connection } = turn;
  const about = { realm: opening.realm, allow: FORWARDED_METHODS };
  const reply = encodeRefusal(error, { tunnel: record, date: new Date(), ...asked, ...about });
  const isHeard = !connection.isOver;
  source.close(reply?.bytes);
  record.failed(error, isHeard ? reply?.status : undefined);
}

/** What a 405 recommends; there are others. */
const FORWARDED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';

/** A chain of proxies of our kind may be so long; beyond it, it is taken for a circle that runs through other machines. */
const MAX_PASSAGES = 8;

function readTarget(request: IncomingMessage, { opening, ledger }: Turn): Target {
  // Its connection was let in, but only for what it had to say then.
  if (ledger.isDraining) throw new TunnelError('overload', 'Sallyport is about to end and takes no new requests.');
  const { method = '', url = '', headers } = request;
  const why = findMalformation(request);
  if (why !== undefined) throw malformed(why);
  const target = parseRequestTarget({ method, requestTarget: url, host: headers.host }, opening.isToProxy);
  if (target.kind === 'malformed') throw malformed(target.why);
  // We would have to answer in the destination's place (RFC 9110 §7.6.2), and have nothing to say.
  if (forwardsLeft(request) === 0) throw new TunnelError('method', 'The request may be forwarded no further.');
  if (countPassages(request) >= MAX_PASSAGES) throw new TunnelError('loop', 'The request goes round in circles.');
  return target;
}

/** Who asks is found out for every request: a connection has no user. */
async function identify(
  request: IncomingMessage,
  { destination }: Target,
  { opening, limits }: Turn,
): Promise<Identified> {
  const credentials = request.headers['proxy-authorization'];
  const user = await opening.identifyUser(credentials, performance.now() + limits.headTimeoutMs);
  return { destination, clientBytes: new Uint8Array(0), ...user };
}

/** Throws a TunnelError as long as the client has been told nothing. */
async function exchange({ request, response }: Asked, target: Target, upstream: Leg, turn: Turn): Promise<Left> {
  const { record, connection, ledger, limits } = turn;
  const stream = new LegStream(upstream);
  const mayUpgrade = offeredUpgrade(request) !== undefined;
  const underWay = new Exchange({
    client: connection,
    upstream: stream,
    request,
    response,
    originForm: target.originForm,
    fields: requestFieldsUp(request, target.host),
    mayUpgrade,
    // `node:http` drops what is pipelined behind a request to upgrade, and a client must not wait for answers to that.
    isLast: () => request.headers.upgrade !== undefined || ledger.isDraining,
    ...limits,
  });
  turn.source.whenBroken(request, (error) => underWay.fail(error));
  const answer = await underWay.answered;
  if (answer.kind === 'switched') return relaySwitched(answer, stream, turn);
  record.ended(await record.relaying(upstream, underWay).done, answer.status);
  return 'connection';
}

type Switched = Extract<Answer, { kind: 'switched' }>;

/** Behind a 101 the connection is a tunnel, and the transport relays it. */
async function relaySwitched({ response, upstreamBytes }: Switched, upstream: LegStream, turn: Turn): Promise<Left> {
  const { client, door, record, connection, source } = turn;
  if (source.hasMore) {
    upstream.stream.destroy();
    throw malformed('more came behind a request to upgrade before it was answered');
  }
  const [fromClient, fromUpstream] = await Promise.all([connection.handBack(), upstream.handBack()]);
  const statusMessage = response.statusMessage ?? 'Switching Protocols';
  client.write(encodeHead(101, statusMessage, switchingFieldsDown(response)));
  const preread = { clientBytes: fromClient, upstreamBytes: Buffer.concat([upstreamBytes, fromUpstream]) };
  const { tunnels, tunnel } = door.splice(client, upstream.leg, preread);
  record.admitted();
  record.isUp(tunnels, tunnel, { upstream: upstream.leg.remote, status: 101 });
  return 'switched';
}

function malformed(why: string): TunnelError {
  return new TunnelError('malformed', `The request is malformed: ${why}.`);
}
