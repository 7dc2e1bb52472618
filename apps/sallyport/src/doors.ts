/** Chooses the frontend of each listener. Only this file knows both frontends. */
import { authorityText } from '@sallyport/addresses';
import { bindText, type ConnectListener, type ListenerConfig, type SniListener } from '@sallyport/config';
import { type ConnectAuth, type ConnectFrontendOptions, createConnectFrontend } from '@sallyport/connect-frontend';
import {
  createSslPrereadFrontend,
  readHello,
  type SslPrereadFrontendOptions as SslPrereadOptions,
} from '@sallyport/ssl-preread-frontend';
import { authenticateClient, type Door, type Gatekeeper, openDoor } from '@sallyport/tunnel-server';
import type { TlsIdentity } from '@sallyport/tunnel-splice';
import type { Services } from './services.ts';
import { fallbackDestination, type Settings } from './settings.ts';

type OpenFrontend = Door['openFrontend'];

/** One door for each listener, by name. */
export function openDoors(settings: Settings, services: Services): ReadonlyMap<string, Door> {
  const { config, policy, identities } = settings;
  const explicitDoor = describeExplicitDoor(config.listeners, services);
  return new Map(
    config.listeners.map((listener) => {
      const { name, mode } = listener;
      const users = identities.get(name)?.users ?? new Map<string, string>();
      const openFrontend =
        mode === 'connect'
          ? explicit(listener, { users, authenticator: services.authenticator }, identities.get(name)?.tls)
          : transparent(listener, explicitDoor);
      return [name, openDoor(listener, { ...services, policy, readHello }, openFrontend)];
    }),
  );
}

/** A misdirected ClientHello may be served as at a transparent door, to the listener's `port`. */
function explicit(
  { misdirected, http, port, auth, ech }: ConnectListener,
  gatekeeper: Gatekeeper,
  tls: TlsIdentity | undefined,
): OpenFrontend {
  const asTransparent: SslPrereadOptions = {
    port,
    withoutSni: { kind: 'reject' },
    ech,
    misdirected: 'explain',
  };
  const serve: OpenFrontend = (client) => createSslPrereadFrontend(client, asTransparent);
  const options: ConnectFrontendOptions = {
    misdirected: misdirected === 'serve' ? serve : misdirected,
    readHello,
    forwardsHttp: http === 'forward',
    ...(auth && { auth: basicAuth(auth.realm, gatekeeper) }),
    ...(tls && { speaksTls: true }),
    ...(tls?.authorities !== undefined && { authorities: tls.authorities }),
  };
  return (client, further) => createConnectFrontend(client, options, further);
}

function basicAuth(realm: string, gatekeeper: Gatekeeper): ConnectAuth {
  return {
    realm,
    authenticate: (client, fieldValue, deadline) => authenticateClient(client, fieldValue, gatekeeper, deadline),
  };
}

/** A misdirected CONNECT may be served as at an explicit door. */
function transparent(listener: SniListener, explicitDoor: string | undefined): OpenFrontend {
  const { port, ech, misdirected, http } = listener;
  const fallback = fallbackDestination(listener);
  const serve: OpenFrontend = (client) => createConnectFrontend(client, { misdirected: 'explain' });
  const options: SslPrereadOptions = {
    port,
    withoutSni:
      fallback === undefined || fallback.kind === 'malformed'
        ? { kind: listener.without_sni.kind === 'original' ? 'original' : 'reject' }
        : { kind: 'destination', destination: fallback },
    ech,
    misdirected: misdirected === 'serve' ? serve : misdirected,
    forwardsHttp: http === 'forward',
    ...(explicitDoor !== undefined && { explicitDoor }),
  };
  return (client, further) => createSslPrereadFrontend(client, options, further);
}

/** The explicit door to recommend to a client that sends CONNECT to the transparent door. */
function describeExplicitDoor(listeners: readonly ListenerConfig[], { bound }: Services): string | undefined {
  const listener = listeners.find(({ mode }) => mode === 'connect');
  if (!listener) return undefined;
  const address = bound.of(listener.name);
  const [firstBind] = listener.bind;
  if (address === undefined) return firstBind && bindText(firstBind);
  // No client can connect to a wildcard, and by which of our addresses it reaches us is not known here.
  return WILDCARDS.has(address.host) ? `port ${address.port} of this proxy` : authorityText(address);
}

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);
