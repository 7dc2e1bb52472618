import type { DeadlineMs, Leg, SpliceOptions, TunnelCounts, TunnelNumber } from '../transport.ts';
import type { Deadlines } from './deadlines.ts';
import { PortableLeg } from './leg.ts';
import { PortableSplice } from './splice.ts';

/** Gives tunnels their numbers: small ones, and each to one live tunnel only. */
export interface TunnelNumbers {
  take(): TunnelNumber;
  giveBack(tunnel: TunnelNumber): void;
}

interface Ends<AnyLeg extends Leg> {
  readonly client: AnyLeg;
  readonly upstream: AnyLeg;
}

/** A tunnel that was up before it is relayed: since when, and how many bytes were sent up, which count as relayed. */
interface Begun {
  readonly upAt: DeadlineMs;
  readonly sentBytes: number;
}

/** The tunnels of a transport, by number. */
export class Tunnels {
  readonly #deadlines: Deadlines;
  readonly #numbers: TunnelNumbers;
  readonly #live: (PortableSplice | undefined)[] = [];

  constructor(deadlines: Deadlines, numbers: TunnelNumbers = new OwnNumbers()) {
    this.#deadlines = deadlines;
    this.#numbers = numbers;
  }

  splice(client: Leg, upstream: Leg, options: SpliceOptions, begun?: Begun): TunnelNumber {
    const legs = { client: portable(client), upstream: portable(upstream) };
    const tunnel = this.#numbers.take();
    this.#begin(tunnel, legs, options, begun);
    return tunnel;
  }

  /** Under a number that was taken before. It is given back at the end like any other. */
  spliceAs(tunnel: TunnelNumber, { client, upstream }: Ends<Leg>, options: SpliceOptions): void {
    this.#begin(tunnel, { client: portable(client), upstream: portable(upstream) }, options);
  }

  /** Undefined where there is no such tunnel. */
  counts(tunnel: TunnelNumber): TunnelCounts | undefined {
    return this.#live[tunnel]?.counts();
  }

  cut(tunnel: TunnelNumber): void {
    this.#live[tunnel]?.cut();
  }

  #begin(tunnel: TunnelNumber, legs: Ends<PortableLeg>, options: SpliceOptions, begun?: Begun): void {
    const { keeper } = options;
    const { upAt, sentBytes } = begun ?? { upAt: performance.now(), sentBytes: 0 };
    this.#live[tunnel] = new PortableSplice(legs, options, {
      deadlines: this.#deadlines,
      upAt,
      sentBytes,
      onEnd: (result) => {
        keeper.tunnelEnded(tunnel, result);
        this.#live[tunnel] = undefined;
        this.#numbers.giveBack(tunnel);
      },
    });
  }
}

class OwnNumbers implements TunnelNumbers {
  readonly #free: TunnelNumber[] = [];
  #next = 0;

  take(): TunnelNumber {
    return this.#free.pop() ?? this.#next++;
  }

  giveBack(tunnel: TunnelNumber): void {
    this.#free.push(tunnel);
  }
}

function portable(leg: Leg): PortableLeg {
  if (leg instanceof PortableLeg) return leg;
  throw new TypeError('a portable tunnel joins portable legs');
}
