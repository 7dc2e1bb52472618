/** The byte rate of each live tunnel, measured between two requests. It costs nothing while no client asks. */
import type { LiveTunnel } from '@sallyport/tunnel-server';

/** The shortest time over which a rate is calculated, in milliseconds. */
const SHORTEST_MS = 2_000;
/** After so long without a request, the stored figures are dropped. */
const FORGOTTEN_AFTER_MS = 60_000;

interface Sample {
  readonly at: number;
  /** By the number of the record. */
  readonly bytes: ReadonlyMap<number, number>;
}

export class TunnelRates {
  /** There are two samples, so that the time between is never too short, however many clients ask. */
  #older: Sample | undefined;
  #newer: Sample | undefined;
  #forget: NodeJS.Timeout | undefined;

  /** Makes the function for a tunnel's bytes per second, both ways together, since the earlier sample or since it opened. */
  measure(tunnels: readonly LiveTunnel[], now: number): (tunnel: LiveTunnel) => number {
    const base = this.#older ?? this.#newer;
    if (this.#newer === undefined || now - this.#newer.at >= SHORTEST_MS) {
      this.#older = this.#newer;
      this.#newer = { at: now, bytes: new Map(tunnels.map((tunnel) => [tunnel.number, bytesOf(tunnel)])) };
    }
    clearTimeout(this.#forget);
    this.#forget = setTimeout(() => (this.#older = this.#newer = undefined), FORGOTTEN_AFTER_MS).unref();
    return (tunnel) => {
      const before = base?.bytes.get(tunnel.number);
      const since = base === undefined || before === undefined ? tunnel.openedAt : base.at;
      // A tunnel of some milliseconds has no useful rate.
      return ((bytesOf(tunnel) - (before ?? 0)) * 1000) / Math.max(now - since, 1000);
    };
  }
}

function bytesOf({ bytesUp, bytesDown }: LiveTunnel): number {
  return bytesUp + bytesDown;
}
