/**
 * The ClientHellos of live tunnels, by their random. One that arrives again is in a loop, through a port mapping before us that is not in
 * the list of our own addresses.
 */
import { TunnelError } from '../reasons.ts';

/** So many are remembered. A newer one replaces an older one, which then may pass once more. */
const PLACES = 4_096;
/** A tester may send a recorded hello again, and a tunnel's end is reported some milliseconds late. */
const MOST_ALIKE = 3;
/** The place of a hello whose random is not random. */
export const NO_PLACE = -1;

export class HellosUnderWay {
  readonly #randoms = new Float64Array(PLACES);
  readonly #tunnels = new Uint16Array(PLACES);

  /**
   * A hello is about to be sent up. Returns its place, for `leave`. Throws `loop` where as many live tunnels as allowed have sent it up.
   * @param random 0 where it has none
   */
  enter(random: number): number {
    const place = random % PLACES;
    const isKnown = random !== 0 && this.#randoms[place] === random;
    if (isKnown && (this.#tunnels[place] ?? 0) >= MOST_ALIKE)
      throw new TunnelError('loop', 'The ClientHello was sent up by Sallyport and has come back.');
    return this.add(random);
  }

  /** A hello was sent up. Returns its place, for `leave`. */
  add(random: number): number {
    if (random === 0) return NO_PLACE;
    const place = random % PLACES;
    if (this.#randoms[place] !== random) {
      this.#randoms[place] = random;
      this.#tunnels[place] = 0;
    }
    this.#tunnels[place] = (this.#tunnels[place] ?? 0) + 1;
    return place;
  }

  /** Whether a hello that was sent up is one of several that are the same. */
  isAgain(place: number): boolean {
    return place !== NO_PLACE && (this.#tunnels[place] ?? 0) > 1;
  }

  /** The tunnel is over. */
  leave(place: number): void {
    const alike = this.#tunnels[place] ?? 0;
    if (alike > 0) this.#tunnels[place] = alike - 1;
  }
}
