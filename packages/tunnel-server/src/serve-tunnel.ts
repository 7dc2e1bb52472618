/** The life of one tunnel, shared by both doors. Read this first: every step of the flow is one line here and one file of its own. */
import type { Leg } from '@sallyport/tunnel-splice';
import type { Ledger } from './account/ledger.ts';
import type { Door, OnUp } from './door.ts';
import { joinByParents } from './egress/by-parents.ts';
import { forwardRequest, type KeptAlive } from './http/forward-request.ts';
import { awaitNextRequest, type NextRequest } from './http/next-request.ts';
import type { Greeting, Identified } from './frontend.ts';
import { dialBy, findWay, type Seeker, toRefusal, type Way } from './reach-destination.ts';
import { TunnelError } from './reasons.ts';

/** Returns the current door: after a reload, new connections get the new door. Undefined where the door was removed. */
export type DoorNow = () => Door | undefined;

/**
 * Serves one client from accept until its tunnel is up or it was refused; never rejects. Owns `client` until a tunnel takes it. The
 * ledger follows the tunnel from there: a function that waited for the end would keep all its variables until then, two kilobytes for
 * each idle tunnel. Users rely on the order of the checks: limits, form, method, credentials, policy, addresses.
 * @param next the next bytes on a kept-alive connection of plain HTTP; they are decided as if they were the first
 */
export async function serveTunnel(client: Leg, doorNow: DoorNow, ledger: Ledger, next?: NextRequest): Promise<void> {
  const door = doorNow();
  if (door === undefined) {
    client.reset();
    return;
  }
  const record = ledger.open(client, door, next?.begunAt);
  const frontend = door.openFrontend(client);
  try {
    if (client.refusal !== undefined) throw new TunnelError('proxy_protocol', `${client.refusal}.`);
    const admission = next === undefined ? door.admit(record.clientIp) : undefined;
    if (admission !== undefined) await admission;
    record.admitted();
    const nextAdmission = next === undefined ? undefined : door.admitNext(record.clientIp);
    if (nextAdmission !== undefined) await nextAdmission;

    record.enter('identify');
    const identified = frontend.identify(door.prereadLimits(), next?.bytes);
    const opening = identified instanceof Promise ? await identified : identified;
    if ('kind' in opening) {
      const lifetimeDeadline = next?.lifetimeDeadline ?? door.httpLimits().lifetimeDeadline;
      const kept = await forwardRequest({ client, door, ledger, record, lifetimeDeadline }, opening);
      if (kept !== undefined) void serveNext(kept, door, doorNow, ledger);
      return;
    }
    const { destination, clientBytes } = record.identified(opening);

    const seeker: Seeker = { client, door, record };
    const found = findWay(seeker, opening);
    const way = found instanceof Promise ? await found : found;

    record.greets(opening.hello);
    record.enter('dial');
    const { hello } = opening;
    const greeting = frontend.greeting();
    // At a transparent door the hello was read already, unless the client began with CONNECT.
    const isVerified = door.verifySni !== undefined && (door.mode === 'connect' || hello === undefined);
    const joined = isVerified ? undefined : await joinAtOnce(seeker, way, opening, greeting);
    if (joined?.kind === 'joined') return;
    const upstream = joined?.leg ?? (await dialBy(way, seeker, opening));
    record.upstream = upstream.remote;

    record.enter('verify');
    frontend.establish();
    const isHelloSent = joined !== undefined && (way !== 'by-parent' || joined.isAnswered === true);
    const onRelayed = record.carry.bind(record);
    const unverified = { client, upstream, destination, clientBytes, onRelayed };
    const verdict = isVerified
      ? await door.verifySni?.(unverified)
      : hello && (await door.followHello({ ...unverified, hello, isHelloSent }));
    const preread = record.verified(verdict);

    record.enter('relay');
    const { tunnels, tunnel } = door.splice(client, upstream, preread ?? { clientBytes });
    record.isUp(tunnels, tunnel, { upstream: upstream.remote, status: greeting.status });
  } catch (cause) {
    const error = toRefusal(cause, { door, record });
    door.countUnnamed?.(error.reason);
    record.asked(frontend.asked);
    record.failed(error, frontend.refuse(error, record));
  }
}

/**
 * Dials for a client whose tunnel is decided but for the address. `joined`: the tunnel is up. A leg: what the client or the destination
 * sends next is to be read first.
 */
function joinAtOnce(
  seeker: Seeker,
  way: Way,
  opening: Identified,
  { bytes: reply, status }: Greeting,
): ReturnType<Door['join']> | ReturnType<typeof joinByParents> {
  const { client, door, record } = seeker;
  const { clientBytes, hello } = opening;
  const isHello = hello !== undefined;
  const onUp: OnUp = (tunnels, tunnel, { upstream, at }) => record.isUp(tunnels, tunnel, { upstream, at, status });
  if (way !== 'by-parent') {
    const egress = door.directWay(record.decision);
    return door.join(way, { client, reply, clientBytes, isHello, egress }, onUp);
  }
  const tunnel = { client, reply, clientBytes, isHello };
  return joinByParents(seeker, opening, { tunnel, onUp });
}

/**
 * A function apart from the request before it, so that an idle connection keeps none of its variables. It keeps its place in the limits.
 */
async function serveNext(kept: KeptAlive, before: Door, doorNow: DoorNow, ledger: Ledger): Promise<void> {
  const { client } = kept;
  const door = doorNow();
  const next = door && (await awaitNextRequest(kept, door.httpLimits().idleTimeoutMs));
  if (next !== undefined && doorNow() !== undefined) {
    void serveTunnel(client, doorNow, ledger, next);
    return;
  }
  // Its listener may have been removed. The client then gets a FIN, as when it is idle for too long.
  client.close();
  ledger.leavePlace(before, client.remote.host);
}
