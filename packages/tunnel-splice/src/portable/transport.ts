/** The transport that works on every platform of Node.js: `node:net`, no native code. */
import type { Bind, Dial, DialOptions, Leg, Listening, ListenOptions, Address, Transport } from '../transport.ts';
import type { SpliceOptions, TunnelCounts, TunnelNumber } from '../transport.ts';
import { handedOverLeg, securityFor, type HandedOver } from './accepted-leg.ts';
import { Deadlines } from './deadlines.ts';
import { PortableDial } from './dial.ts';
import { openKernelTools } from './kernel-tools.ts';
import type { LegResources } from './leg.ts';
import { openListener } from './listen.ts';
import { LiveLegs } from './live-legs.ts';
import { SecuredDial } from './secured-dial.ts';
import { ReadBuffers } from './read-buffers.ts';
import { Tunnels, type TunnelNumbers } from './tunnels.ts';
import { type ShortageListener, toldSeldom } from '../shortages.ts';
import { watchDescriptors } from './watch-descriptors.ts';

/** For a transport that is used by itself. */
export interface PortableOptions {
  /** Another build of the addon than the project's own. Without any addon, fewer kernel calls are used. */
  readonly addonPath?: string;
  /**
   * Told when clients were refused because descriptors or memory ran out, with the error's name: `EMFILE`, for example. At most once a
   * minute for each error.
   */
  readonly onShortage?: ShortageListener;
}

interface Parts {
  /** The numbers for its tunnels, where another transport has tunnels beside them. */
  readonly numbers?: TunnelNumbers | undefined;
  readonly addonPath?: string | undefined;
  readonly onShortage?: (errno: number) => void;
}

/** A transport on `node:net`. Legs of one transport can only be spliced with each other. */
export function createPortableTransport({ addonPath, onShortage }: PortableOptions = {}): Transport {
  return new PortableTransport({ addonPath, onShortage: toldSeldom(onShortage ?? (() => undefined)) });
}

/** The class behind it, for the native transport, which hands over some of its connections. */
export class PortableTransport implements Transport {
  readonly name = 'portable';
  readonly tunnels: Tunnels;
  readonly #resources: LegResources;
  readonly #listeners = new Set<Listening>();
  readonly #onShortage: (errno: number) => void;
  #stopWatching: (() => void) | undefined;

  constructor({ numbers, addonPath, onShortage = () => undefined }: Parts = {}) {
    this.#onShortage = onShortage;
    this.#resources = {
      buffers: new ReadBuffers(),
      deadlines: new Deadlines(),
      legs: new LiveLegs(),
      kernel: openKernelTools(addonPath),
    };
    this.tunnels = new Tunnels(this.#resources.deadlines, numbers);
  }

  async listen(bind: Bind, onClient: (client: Leg) => void, options: ListenOptions = {}): Promise<Listening> {
    const onClose = (closed: Listening): void => void this.#listeners.delete(closed);
    const listener = await openListener({ bind, onClient, options, resources: this.#resources, onClose });
    this.#stopWatching ??= watchDescriptors(this.#onShortage);
    this.#listeners.add(listener);
    return listener;
  }

  dial(address: Address, options: DialOptions): Dial {
    const { secure } = options;
    if (secure !== undefined) return new SecuredDial(address, { ...options, secure }, this.#resources);
    return new PortableDial(address, options, { ...this.#resources, tunnels: this.tunnels });
  }

  splice(client: Leg, upstream: Leg, options: SpliceOptions): TunnelNumber {
    return this.tunnels.splice(client, upstream, options);
  }

  counts(tunnel: TunnelNumber): TunnelCounts {
    return this.tunnels.counts(tunnel) ?? { bytesUp: 0, bytesDown: 0 };
  }

  cut(tunnel: TunnelNumber): void {
    this.tunnels.cut(tunnel);
  }

  /** Continues a connection of another transport. With `identity`, TLS is used on it. */
  takeOver(connection: HandedOver, identity?: ListenOptions['identity']): Leg {
    return handedOverLeg(connection, this.#resources, identity && securityFor(identity, connection.remote));
  }

  async stop(): Promise<void> {
    this.#stopWatching?.();
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
    await this.#resources.legs.stop();
  }
}
