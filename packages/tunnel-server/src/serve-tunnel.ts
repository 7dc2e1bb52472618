/** The life of one tunnel, shared by both doors. Read this first: every step of the flow is one line here and one file of its own. */
import type { Leg } from '@sallyport/tunnel-splice';
import type { Ledger } from './account/ledger.ts';
import type { Door } from './door.ts';
import { forwardHttp } from './http/forward-http.ts';
import { findWay } from './reach-destination.ts';
import { toTunnelError } from './reasons.ts';

/**
 * Serves one client from accept until its tunnel is up or it has been refused; never rejects. Owns `client` until a tunnel takes it
 * over. The ledger follows the tunnel from there: a function that waited for its end would hold all that it has seen until then,
 * two kilobytes for each idle tunnel.
 * The order of the checks is part of what users rely on: limits, form, method, credentials, policy, addresses.
 */
export async function serveTunnel(client: Leg, door: Door, ledger: Ledger): Promise<void> {
  const record = ledger.open(client, door);
  const frontend = door.openFrontend(client);
  try {
    door.admit(record.clientIp);
    record.admitted();

    record.enter('identify');
    const opening = await frontend.identify(door.prereadLimits());
    if ('kind' in opening) {
      await forwardHttp({ client, door, ledger, record }, opening);
      return;
    }
    const { destination, clientBytes } = record.identified(opening);

    const way = findWay({ client, door, record }, opening);
    const addresses = way instanceof Promise ? await way : way;

    record.enter('dial');
    const { bytes: reply, status } = frontend.greeting();
    // At a transparent door the hello has come already, but for what opened with CONNECT.
    if (door.verifySni === undefined || (door.mode === 'sni' && opening.hello !== undefined)) {
      await door.join(addresses, { client, reply, clientBytes }, (tunnels, tunnel, { upstream, at }) =>
        record.isUp(tunnels, tunnel, { upstream, at, status }),
      );
      return;
    }
    const upstream = await door.dial(addresses, client);
    record.upstream = upstream.remote;

    record.enter('verify');
    frontend.establish();
    const onRelayed = record.carry.bind(record);
    const preread = record.verified(await door.verifySni({ client, upstream, destination, clientBytes, onRelayed }));

    record.enter('relay');
    const { tunnels, tunnel } = door.splice(client, upstream, preread ?? { clientBytes });
    record.isUp(tunnels, tunnel, { upstream: upstream.remote, status });
  } catch (cause) {
    const error = toTunnelError(cause);
    door.countUnnamed?.(error.reason);
    record.asked(frontend.asked);
    record.failed(error, frontend.refuse(error, record));
  }
}
