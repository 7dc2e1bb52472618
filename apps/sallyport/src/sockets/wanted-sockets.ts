/** The sockets that a configuration needs. Each has a key by which the next configuration, or a successor process, finds it again. */
import { bindText, type Bind, type ConfigPath, type ListenerConfig } from '@sallyport/config';
import type { Address, Intercept } from '@sallyport/tunnel-splice';
import { isDualStack } from '../bound-addresses.ts';
import { EXIT, FatalError } from '../exit.ts';
import type { InheritedSockets } from './inherited-sockets.ts';

/** A socket that a listener needs, whether it is open or not. */
export interface WantedSocket {
  /** Contains all options that must be set before a socket is bound, and none that can be changed later. */
  readonly place: string;
  readonly listener: ListenerConfig;
  /** For a socket of systemd, the address is known once it is open. */
  readonly address: Address;
  readonly isInherited: boolean;
  readonly isDualStack: boolean;
  readonly intercept: Intercept | undefined;
  /** Its path in the configuration. */
  readonly path: ConfigPath;
}

/** In the order of the file. Throws a FatalError where systemd passed no socket of that name. */
export function wantedSockets(
  listeners: readonly ListenerConfig[],
  inherited: InheritedSockets,
): readonly WantedSocket[] {
  return listeners.flatMap((listener, index) =>
    listener.bind.flatMap((bind, number) => {
      const path = ['listeners', index, 'bind', ...(listener.bind.length > 1 ? [number] : [])];
      return 'systemd' in bind ? passedSockets(listener, bind, path, inherited) : [ownSocket(listener, bind, path)];
    }),
  );
}

function ownSocket(listener: ListenerConfig, bind: Address, path: ConfigPath): WantedSocket {
  const isDual = isDualStack(listener, bind);
  const intercept = interceptOf(listener);
  const kind = `${isDual ? ' dual' : ''}${intercept === 'tproxy' ? ' transparent' : ''}`;
  // For any free port: the listener, and the index of its bind, distinguish it from others.
  const owner = bind.port === 0 ? ` ${listener.name} ${path.slice(3).join('')}` : '';
  const place = `${bindText(bind)}${kind}${owner}`;
  return { place, listener, address: bind, isInherited: false, isDualStack: isDual, intercept, path };
}

function passedSockets(
  listener: ListenerConfig,
  bind: Extract<Bind, { systemd: string }>,
  path: ConfigPath,
  inherited: InheritedSockets,
): readonly WantedSocket[] {
  const places = inherited.placesOf(bind.systemd);
  if (places.length === 0) throw new FatalError(explainMissing(bind, inherited), EXIT.failure, undefined, path);
  const address = { host: '0.0.0.0', port: 0 };
  const intercept = interceptOf(listener);
  return places.map((place) => ({
    place,
    listener,
    address,
    isInherited: true,
    isDualStack: false,
    intercept,
    path,
  }));
}

function interceptOf(listener: ListenerConfig): Intercept | undefined {
  return listener.mode === 'sni' && listener.intercept !== 'none' ? listener.intercept : undefined;
}

function explainMissing(bind: Bind, { names }: InheritedSockets): string {
  const list = names.join(', ');
  return (
    `no socket for ${bindText(bind)} was passed (${list === '' ? 'none was at all' : `there is ${list}`}); ` +
    'start the socket unit with that FileDescriptorName=, or bind to host:port'
  );
}
