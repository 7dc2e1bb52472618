/** Which frontend serves which listener: the one place where the two doors meet. */
import type { ConnectListener, ListenerConfig, SniListener } from '@sallyport/config';
import { createConnectFrontend } from '@sallyport/connect-frontend';
import {
  createSslPrereadFrontend,
  type SslPrereadFrontendOptions as SslPrereadOptions,
} from '@sallyport/ssl-preread-frontend';
import { type Door, type Frontend, openDoor } from '@sallyport/tunnel-server';
import type { Leg } from '@sallyport/tunnel-splice';
import { formatAddress } from './listen-errors.ts';
import type { Services } from './services.ts';
import { fallbackDestination, type Settings } from './settings.ts';

type OpenFrontend = (client: Leg) => Frontend;

/** One door for each listener, by name. */
export function openDoors({ config, policy }: Settings, services: Services): ReadonlyMap<string, Door> {
  const explicitDoor = describeExplicitDoor(config.listeners, services);
  return new Map(
    config.listeners.map((listener) => {
      const openFrontend = listener.mode === 'connect' ? explicit(listener) : transparent(listener, explicitDoor);
      return [listener.name, openDoor(listener, { ...services, policy }, openFrontend)];
    }),
  );
}

/** A misdirected ClientHello may be served as the transparent door would, to the listener's `port`. */
function explicit({ misdirected, port }: ConnectListener): OpenFrontend {
  const asTransparent: SslPrereadOptions = {
    port,
    withoutSni: { kind: 'reject' },
    ech: 'allow',
    misdirected: 'explain',
  };
  const serve: OpenFrontend = (client) => createSslPrereadFrontend(client, asTransparent);
  const options = { misdirected: misdirected === 'serve' ? serve : misdirected };
  return (client) => createConnectFrontend(client, options);
}

/** A misdirected CONNECT may be served as the explicit door would. */
function transparent(listener: SniListener, explicitDoor: string | undefined): OpenFrontend {
  const { port, ech, misdirected } = listener;
  const fallback = fallbackDestination(listener);
  const serve: OpenFrontend = (client) => createConnectFrontend(client, { misdirected: 'explain' });
  const options: SslPrereadOptions = {
    port,
    withoutSni:
      fallback === undefined || fallback.kind === 'malformed'
        ? { kind: 'reject' }
        : { kind: 'destination', destination: fallback },
    ech,
    misdirected: misdirected === 'serve' ? serve : misdirected,
    ...(explicitDoor !== undefined && { explicitDoor }),
  };
  return (client) => createSslPrereadFrontend(client, options);
}

/** Where a client that says CONNECT to the transparent door should go instead. */
function describeExplicitDoor(listeners: readonly ListenerConfig[], { bound }: Services): string | undefined {
  const listener = listeners.find(({ mode }) => mode === 'connect');
  if (!listener) return undefined;
  const address = bound.of(listener.name) ?? listener.bind[0];
  return address && formatAddress(address);
}
