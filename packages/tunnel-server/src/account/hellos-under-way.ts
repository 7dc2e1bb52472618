/**
 * The ClientHellos of live tunnels, by their random. One that arrives again is in a loop, through a port mapping in front of us that no list
 * of our own addresses contains.
 */
import { TunnelError } from '../reasons.ts';

/** So many are remembered; a newer one takes the place of an older one, and that one may then go round once more. */
const PLACES = 4_096;
/** A recording of a hello may be sent again by who tests us, and a tunnel's end is told some milliseconds late. */
const MOST_ALIKE = 3;
/** The place of a hello that can't be told from others. */
export const NO_PLACE = -1;

export class HellosUnderWay {
  readonly #randoms = new Float64Array(PLACES);
  readonly #tunnels = new Uint16Array(PLACES);

  /**
   * A hello is about to go up. Returns its place, for `leave`. Throws `loop` where as many tunnels as may be have sent it up already.
   * @param random 0 where it has none
   */
  enter(random: number): number {
    if (random === 0) return NO_PLACE;
    const place = random % PLACES;
    if (this.#randoms[place] !== random) {
      this.#randoms[place] = random;
      this.#tunnels[place] = 0;
    }
    const alike = this.#tunnels[place] ?? 0;
    if (alike >= MOST_ALIKE)
      throw new TunnelError('loop', 'The ClientHello was sent up by Sallyport and has come back.');
    this.#tunnels[place] = alike + 1;
    return place;
  }

  /** The tunnel is over. */
  leave(place: number): void {
    const alike = this.#tunnels[place] ?? 0;
    if (alike > 0) this.#tunnels[place] = alike - 1;
  }
}
