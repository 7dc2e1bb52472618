/** What the native transport leaves to `node:net`: clients that use TLS, and whatever is joined with them. */
import { PortableTransport } from '../portable/transport.ts';
import type { TunnelNumbers } from '../portable/tunnels.ts';
import type {
  Address,
  Dial,
  DialOptions,
  Leg,
  ListenOptions,
  SpliceOptions,
  TunnelCounts,
  TunnelNumber,
} from '../transport.ts';
import { NativeLeg } from './leg.ts';

/** A tunnel that begins once one of its legs was taken over from its data thread. */
interface LateTunnel {
  readonly native: NativeLeg;
  readonly other: Leg;
  readonly options: SpliceOptions;
  readonly begin: (tunnel: TunnelNumber, taken: Leg) => void;
}

/** A portable transport, made when it is first needed, and the hand-over of native legs to it. */
export class PortableSide {
  readonly #numbers: TunnelNumbers;
  /** Tunnels that have not begun yet, and whether they are to be cut at once. */
  readonly #late = new Map<TunnelNumber, { isCut: boolean }>();
  #transport: PortableTransport | undefined;

  /** @param numbers of all tunnels, native or portable */
  constructor(numbers: TunnelNumbers) {
    this.#numbers = numbers;
  }

  /**
   * `onTaken` gets the leg that continues `leg`. It gets none if `leg` was closed before, is silent for too long or the transport stops
   * first.
   */
  takeOver(leg: NativeLeg, onTaken: (taken: Leg | undefined) => void, identity?: ListenOptions['identity']): void {
    leg.detach((connection) => onTaken(connection && this.#started().takeOver(connection, identity)));
  }

  dial(address: Address, options: DialOptions): Dial {
    return this.#started().dial(address, options);
  }

  /** Joins two legs. Where one is still native, it is taken over first. */
  splice(client: Leg, upstream: Leg, options: SpliceOptions): TunnelNumber {
    const { tunnels } = this.#started();
    if (client instanceof NativeLeg) {
      const begin: LateTunnel['begin'] = (tunnel, taken) =>
        tunnels.spliceAs(tunnel, { client: taken, upstream }, options);
      return this.#spliceLate({ native: client, other: upstream, options, begin });
    }
    if (upstream instanceof NativeLeg) {
      const begin: LateTunnel['begin'] = (tunnel, taken) =>
        tunnels.spliceAs(tunnel, { client, upstream: taken }, options);
      return this.#spliceLate({ native: upstream, other: client, options, begin });
    }
    return tunnels.splice(client, upstream, options);
  }

  /** Undefined for a tunnel that is not relayed here. */
  counts(tunnel: TunnelNumber): TunnelCounts | undefined {
    return this.#transport?.tunnels.counts(tunnel);
  }

  /** Does nothing to a tunnel that is not relayed here. */
  cut(tunnel: TunnelNumber): void {
    const late = this.#late.get(tunnel);
    if (late === undefined) this.#transport?.cut(tunnel);
    else late.isCut = true;
  }

  stop(): Promise<void> {
    return this.#transport?.stop() ?? Promise.resolve();
  }

  #spliceLate({ native, other, options, begin }: LateTunnel): TunnelNumber {
    const tunnel = this.#numbers.take();
    const late = { isCut: false };
    this.#late.set(tunnel, late);
    // From here on its holder is no longer told when it leaves, as with any splice.
    other.whenGone(() => undefined);
    this.takeOver(native, (taken) => {
      this.#late.delete(tunnel);
      if (taken === undefined) {
        other.close();
        // The caller of `splice` may not know the number yet.
        queueMicrotask(() => this.#tellNeverBegun(tunnel, options, late.isCut ? 'cut' : 'lifetime'));
        return;
      }
      begin(tunnel, taken);
      if (late.isCut) this.cut(tunnel);
    });
    return tunnel;
  }

  #tellNeverBegun(tunnel: TunnelNumber, { keeper }: SpliceOptions, end: 'cut' | 'lifetime'): void {
    const endedAt = performance.now();
    keeper.tunnelEnded(tunnel, { end, bytesUp: 0, bytesDown: 0, firstByteAt: undefined, endedAt });
    this.#numbers.giveBack(tunnel);
  }

  #started(): PortableTransport {
    return (this.#transport ??= new PortableTransport({ numbers: this.#numbers }));
  }
}
