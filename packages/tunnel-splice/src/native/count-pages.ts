import type { TunnelCounts } from '../transport.ts';
import { TUNNELS_PER_PAGE } from './wire.ts';

/**
 * The live counts of all tunnels, in memory shared with the data threads: [up, down] of tunnel `n` lie at 2n. The threads write them as
 * they relay; reading them needs no call into the addon. The values are whole numbers up to 2^53, in doubles.
 */
export class CountPages {
  readonly #addPage: (page: number, pairs: Float64Array) => void;
  readonly #pages: Float64Array[] = [];
  readonly #free: number[] = [];
  #next = 0;

  constructor(addPage: (page: number, pairs: Float64Array) => void) {
    this.#addPage = addPage;
  }

  /** A number for a new tunnel, its counts at 0. */
  take(): number {
    const tunnel = this.#free.pop() ?? this.#next++;
    const page = Math.floor(tunnel / TUNNELS_PER_PAGE);
    const at = 2 * (tunnel % TUNNELS_PER_PAGE);
    const pairs = this.#pages[page] ?? this.#openPage(page);
    pairs[at] = 0;
    pairs[at + 1] = 0;
    return tunnel;
  }

  read(tunnel: number): TunnelCounts {
    const pairs = this.#pages[Math.floor(tunnel / TUNNELS_PER_PAGE)];
    const at = 2 * (tunnel % TUNNELS_PER_PAGE);
    return { bytesUp: pairs?.[at] ?? 0, bytesDown: pairs?.[at + 1] ?? 0 };
  }

  /** The data thread has sent its last event of this tunnel. */
  giveBack(tunnel: number): void {
    this.#free.push(tunnel);
  }

  #openPage(page: number): Float64Array {
    const pairs = new Float64Array(2 * TUNNELS_PER_PAGE);
    this.#pages[page] = pairs;
    this.#addPage(page, pairs);
    return pairs;
  }
}
