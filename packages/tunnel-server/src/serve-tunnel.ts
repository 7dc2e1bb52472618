/** The life of one tunnel, shared by both doors. Read this first: every step of the flow is one line here and one file of its own. */
import type { Leg } from '@sallyport/tunnel-splice';
import type { Ledger } from './account/ledger.ts';
import type { Door } from './door.ts';
import { joinByParents } from './egress/by-parents.ts';
import type { PlainHttp } from './frontend.ts';
import { forwardRequest, type KeptAlive } from './http/forward-request.ts';
import { awaitNextRequest, type NextRequest } from './http/next-request.ts';
import { limitsForWishes } from './preread.ts';
import { Arrival } from './proxy-header/arrival.ts';
import { dialBy, findWay, toRefusal } from './reach-destination.ts';
import { TunnelError, toTunnelError } from './reasons.ts';
import { type Course, type DoorNow, SetUp } from './set-up.ts';

/**
 * Serves one client from accept until its tunnel is up or it was refused; throws nothing. Owns `client` until a tunnel takes it. The
 * ledger follows the tunnel from there.
 *
 * Its {@link STEPS} are taken in one pass as long as each has what it needs: a client that has sent its hello or head, and whose
 * destination is known, is dialled for with no promise made.
 * @param next the next bytes on a kept-alive connection of plain HTTP; they are decided as if they were the first
 */
export function serveTunnel(client: Leg, doorNow: DoorNow, ledger: Ledger, next?: NextRequest): void {
  const door = next === undefined && client.introduction instanceof Arrival ? client.introduction.door : doorNow();
  if (door === undefined) client.reset();
  else goOn(new SetUp({ client, door, doorNow, ledger, next, course: COURSE }));
}

/** A step may return at once, or a promise. After `over` no step follows: the client is in other hands, or its listener goes on. */
type Step = (setUp: SetUp) => Outcome | Promise<unknown>;
type Outcome = undefined | 'over';

/** In this order. Users rely on the order of the checks: limits, form, method, credentials, policy, addresses. */
const STEPS: readonly Step[] = [
  requireIntroduced,
  admit,
  admitRequest,
  identify,
  serveHttp,
  findUpstream,
  dial,
  verify,
  relay,
];

const COURSE: Course = { goOn, refuse };

/** Takes the steps that are left. */
function goOn(setUp: SetUp): void {
  try {
    for (let step; (step = STEPS[setUp.stepsTaken++]) !== undefined;) {
      const outcome = step(setUp);
      if (outcome === 'over') return;
      if (outcome === undefined) continue;
      outcome.then(
        (late) => (late === 'over' ? undefined : goOn(setUp)),
        (cause: unknown) => refuse(setUp, cause),
      );
      return;
    }
  } catch (cause) {
    refuse(setUp, cause);
  }
}

function requireIntroduced({ client: { introduction }, next }: SetUp): undefined {
  if (next === undefined && introduction instanceof Arrival && introduction.refusal) throw introduction.refusal;
}

function admit(setUp: SetUp): undefined | Promise<unknown> {
  const { door, record, next } = setUp;
  if (next !== undefined) return undefined;
  try {
    return door.admit(record.clientIp)?.catch((cause: unknown) => hearOut(setUp, cause));
  } catch (cause) {
    return hearOut(setUp, cause);
  }
}

/** A refusal by the limits is worded as the request asks. In a drain nobody is waited for. */
function hearOut({ door, frontend, ledger }: SetUp, cause: unknown): Promise<never> {
  const heard = ledger.isDraining ? undefined : frontend.hearWishes?.(limitsForWishes(door.prereadLimits()));
  const refusal = toTunnelError(cause);
  if (heard === undefined) throw refusal;
  return heard.then(() => Promise.reject(refusal));
}

function admitRequest({ door, record, next }: SetUp): undefined | Promise<unknown> {
  record.admitted();
  if (next === undefined) return undefined;
  if (door.senders !== undefined && next.senders !== door.senders)
    throw new TunnelError('proxy_protocol', 'This connection is older than the peers that must send a PROXY header.');
  return door.admitNext(record.clientIp);
}

function identify(setUp: SetUp): undefined | Promise<unknown> {
  const { door, record, frontend, next } = setUp;
  record.enter('identify');
  const opening = frontend.identify(door.prereadLimits(), next?.bytes);
  if (opening instanceof Promise) return opening.then((late) => setUp.opens(late));
  setUp.opens(opening);
  return undefined;
}

/** A request of plain HTTP takes another way from here. */
function serveHttp(setUp: SetUp): Outcome | Promise<unknown> {
  return setUp.http === undefined ? undefined : forward(setUp, setUp.http);
}

async function forward({ client, door, doorNow, ledger, record, next }: SetUp, opening: PlainHttp): Promise<'over'> {
  const lifetimeDeadline = next?.lifetimeDeadline ?? door.httpLimits().lifetimeDeadline;
  const kept = await forwardRequest({ client, door, ledger, record, lifetimeDeadline }, opening);
  if (kept !== undefined) void serveNext(kept, door, doorNow, ledger);
  return 'over';
}

function findUpstream(setUp: SetUp): undefined | Promise<unknown> {
  const way = findWay(setUp, setUp.identified);
  if (way instanceof Promise) return way.then((late) => setUp.goes(late));
  setUp.goes(way);
  return undefined;
}

/**
 * Where nothing is to be read of the client or the destination first, the tunnel is up as soon as the dial has connected. The set-up is told
 * what came of the dial ({@link SetUp.isUp}), and takes the steps that are left, if any ({@link SetUp.reached}).
 */
function dial(setUp: SetUp): Outcome | Promise<unknown> {
  const { door, record, way, identified } = setUp;
  record.greets(identified.hello);
  if (way !== 'by-parent') record.enter('dial');
  setUp.greets();
  if (setUp.isVerified) return dialBy(way, setUp, identified).then((leg) => setUp.connected(leg, false));
  if (way !== 'by-parent') {
    door.join(way, setUp, setUp);
    return 'over';
  }
  return joinByParents(setUp, identified, { tunnel: setUp, joiner: setUp }).then((reached) =>
    reached.kind === 'joined' ? 'over' : setUp.connected(reached.leg, reached.isAnswered),
  );
}

/** The hello inside a CONNECT is read, or the one that may follow the hello that was read. */
function verify(setUp: SetUp): undefined | Promise<unknown> {
  const { client, door, record, frontend, identified, upstream, isHelloSent } = setUp;
  setUp.lifetimeDeadline = door.httpLimits().lifetimeDeadline;
  const { destination, clientBytes, hello } = identified;
  record.upstream = upstream.remote;
  record.enter('verify');
  frontend.establish();
  const onRelayed = record.carry.bind(record);
  const unverified = { client, upstream, destination, clientBytes, onRelayed };
  const verdict = setUp.isVerified
    ? door.verifySni?.(unverified)
    : hello && door.followHello({ ...unverified, hello, isHelloSent });
  return verdict?.then((found) => setUp.verified(found));
}

function relay(setUp: SetUp): undefined {
  const { client, door, record, greeting, identified, upstream, preread, lifetimeDeadline } = setUp;
  // To the reader of the hello, which then goes on without one, a cut looks as if the client had left.
  if (record.isCut) {
    upstream.close();
    throw new TunnelError('client_closed', 'The tunnel was cut before it was up.');
  }
  record.enter('relay');
  const { tunnels, tunnel } = door.splice(client, upstream, preread ?? identified, lifetimeDeadline);
  record.isUp(tunnels, tunnel, { upstream: upstream.remote, status: greeting.status });
}

function refuse({ door, record, frontend }: SetUp, cause: unknown): void {
  const error = toRefusal(cause, { door, record });
  door.countUnnamed?.(error.reason);
  record.asked(frontend.asked);
  record.failed(error, frontend.refuse(error, record));
}

/**
 * A function apart from the request before it, so that an idle connection keeps none of its variables. It keeps its place in the limits.
 */
async function serveNext(kept: KeptAlive, before: Door, doorNow: DoorNow, ledger: Ledger): Promise<void> {
  const { client } = kept;
  const door = doorNow();
  const next = door && (await awaitNextRequest(kept, door.httpLimits().idleTimeoutMs, ledger));
  if (next !== undefined && doorNow() !== undefined) {
    serveTunnel(client, doorNow, ledger, { ...next, senders: before.senders });
    return;
  }
  // Its listener may have been removed. The client then gets a FIN, as when it is idle for too long.
  client.close();
  ledger.leavePlace(before, client.remote.host);
}
