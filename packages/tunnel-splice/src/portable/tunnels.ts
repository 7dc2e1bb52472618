import type { Leg, SpliceOptions, TunnelCounts, TunnelNumber } from '../transport.ts';
import type { Deadlines } from './deadlines.ts';
import { PortableLeg } from './leg.ts';
import { PortableSplice } from './splice.ts';

/** The tunnels of a transport, by number. */
export class Tunnels {
  readonly #deadlines: Deadlines;
  readonly #live: (PortableSplice | undefined)[] = [];
  readonly #free: TunnelNumber[] = [];

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines;
  }

  splice(client: Leg, upstream: Leg, options: SpliceOptions): TunnelNumber {
    const tunnel = this.#free.pop() ?? this.#live.length;
    const { keeper } = options;
    this.#live[tunnel] = new PortableSplice({ client: portable(client), upstream: portable(upstream) }, options, {
      deadlines: this.#deadlines,
      onEnd: (result) => {
        keeper.tunnelEnded(tunnel, result);
        this.#live[tunnel] = undefined;
        this.#free.push(tunnel);
      },
    });
    return tunnel;
  }

  counts(tunnel: TunnelNumber): TunnelCounts {
    return this.#live[tunnel]?.counts() ?? { bytesUp: 0, bytesDown: 0 };
  }

  cut(tunnel: TunnelNumber): void {
    this.#live[tunnel]?.cut();
  }
}

function portable(leg: Leg): PortableLeg {
  if (leg instanceof PortableLeg) return leg;
  throw new TypeError('a portable tunnel joins portable legs');
}
