/**
 * The actions of the peers of one tunnel, one after the other. After each action its effect is waited for, so that nothing
 * depends on timing and two transports must show exactly the same.
 *
 *     bits 0-2  what happens: see STEPS    bits 3-5  how much, see SIZES    the first byte also says what was read before the splice
 */
import type { Preread, Stage, Tunnel } from './transport-stage.ts';

/** All that can be seen of a tunnel from outside. */
export interface Seen {
  readonly client: object;
  readonly upstream: object;
  readonly result: { readonly end: string; readonly bytesUp: number; readonly bytesDown: number };
  readonly counts: object;
}

export async function playSchedule(stage: Stage, schedule: Uint8Array): Promise<Seen> {
  const [first = 0] = schedule;
  const preread: Preread = {
    ...((first & 0x40) !== 0 && { clientBytes: pattern(1 + first, 0xc0) }),
    ...((first & 0x80) !== 0 && { upstreamBytes: pattern(1 + first, 0xd0) }),
  };
  const tunnel = await stage.openTunnel(preread);
  const play = new Play(tunnel, preread.clientBytes?.length ?? 0, preread.upstreamBytes?.length ?? 0);
  for (const byte of schedule) {
    if (play.isOver) break;
    await play.step(byte);
  }
  if (!play.isOver) tunnel.splice.cut();
  const { end, bytesUp, bytesDown } = await tunnel.splice.done;
  await Promise.all([tunnel.client.departs(), tunnel.upstream.departs()]);
  const counts = tunnel.splice.counts();
  return {
    client: tunnel.client.seen(),
    upstream: tunnel.upstream.seen(),
    result: { end, bytesUp, bytesDown },
    counts,
  };
}

const SIZES = [1, 17, 1_000, 16_384, 65_537, 300_000, 700_000, 3] as const;

/** One tunnel and how far its schedule has come. */
class Play {
  readonly #tunnel: Tunnel;
  #up: number;
  #down: number;
  #hasClientEnded = false;
  #hasUpstreamEnded = false;
  #isOver = false;

  constructor(tunnel: Tunnel, up: number, down: number) {
    this.#tunnel = tunnel;
    this.#up = up;
    this.#down = down;
  }

  /** Nothing more can happen. */
  get isOver(): boolean {
    return this.#isOver || (this.#hasClientEnded && this.#hasUpstreamEnded);
  }

  async step(byte: number): Promise<void> {
    const { client, upstream, splice } = this.#tunnel;
    const size = SIZES[(byte >> 3) & 7] ?? 1;
    switch (byte & 7) {
      case 0:
        this.#sendUp(size);
        break;
      case 1:
        this.#sendDown(size);
        break;
      case 2:
        this.#endClient();
        break;
      case 3:
        this.#endUpstream();
        break;
      case 4:
        return this.#over(() => client.socket.resetAndDestroy());
      case 5:
        return this.#over(() => upstream.socket.resetAndDestroy());
      case 6:
        return this.#over(() => splice.cut());
      default:
        this.#sendUp(size);
        this.#sendDown(size);
    }
    await this.#settle();
  }

  #sendUp(size: number): void {
    if (this.#hasClientEnded) return;
    this.#tunnel.client.socket.write(pattern(size, this.#up));
    this.#up += size;
  }

  #sendDown(size: number): void {
    if (this.#hasUpstreamEnded) return;
    this.#tunnel.upstream.socket.write(pattern(size, this.#down));
    this.#down += size;
  }

  #endClient(): void {
    if (!this.#hasClientEnded) this.#tunnel.client.socket.end();
    this.#hasClientEnded = true;
  }

  #endUpstream(): void {
    if (!this.#hasUpstreamEnded) this.#tunnel.upstream.socket.end();
    this.#hasUpstreamEnded = true;
  }

  async #over(how: () => void): Promise<void> {
    await this.#settle();
    this.#isOver = true;
    how();
  }

  /** Waits until all that was done has arrived. */
  async #settle(): Promise<void> {
    const { client, upstream } = this.#tunnel;
    await Promise.all([upstream.hears(this.#up), client.hears(this.#down)]);
    if (this.#hasClientEnded) await upstream.departs();
    if (this.#hasUpstreamEnded) await client.departs();
  }
}

function pattern(length: number, start: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (start + index) % 251));
}
