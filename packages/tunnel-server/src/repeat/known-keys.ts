/** What is remembered of the keys that are repeated, or were a moment ago, and of those with which something went wrong. */
import { OFTEN } from './often-asked.ts';

/** How many tunnels a verdict is for, where nothing is known of its key. */
export const FIRST_TUNNELS = 64;
/** How many keys are known. Where that is not enough, all of them are forgotten. */
const MOST_KNOWN = 1_024;
/**
 * For how long a key is not repeated of which a client had to be handed out; doubled each time that this comes again, up to eleven minutes:
 * such a client has waited in vain, and its hello reaches its destination twice.
 */
const BARRED_MS = 10_000;
const MOST_DOUBLINGS = 6;

/** One key. Times are those of `performance.now()`. */
export interface Known extends Bar {
  /** How many tunnels its next verdict is for. */
  size: number;
  /** How many verdicts of it the transport has, and for how many tunnels more. */
  held: number;
  left: number;
  /** How many tunnels its last verdict was for, and since when the transport has that. */
  last: number;
  lastAt: number;
  /** How many tunnels were repeated since it was last decided. */
  made: number;
  decidedAt: number;
  /** From then on it is decided anew. */
  endsAt: number;
}

/** What went wrong with a key. */
interface Bar {
  /** Until then it is not repeated. */
  barredUntil: number;
  /** How often that was so since it was last repeated for half a second. */
  bars: number;
}

export class KnownKeys {
  readonly #known = new Map<string, Known>();

  get(key: string): Known | undefined {
    return this.#known.get(key);
  }

  /** Knows nothing of a key but that. */
  begin(key: string, { barredUntil, bars }: Readonly<Bar> = UNBARRED): Known {
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    const known = {
      size: FIRST_TUNNELS,
      held: 0,
      left: 0,
      last: 0,
      lastAt: 0,
      made: 0,
      decidedAt: 0,
      endsAt: 0,
      barredUntil,
      bars,
    };
    this.#known.set(key, known);
    return known;
  }

  /** Forgets a key of which the transport has no verdict, unless more is to be remembered of it. */
  release(key: string): void {
    const known = this.#known.get(key);
    if (known !== undefined && isDispensable(known)) this.#known.delete(key);
  }

  delete(key: string): void {
    this.#known.delete(key);
  }

  /** Forgets all but what went wrong: that does so whatever the limits and the rules are by now. */
  forget(): void {
    const now = performance.now();
    // New entries, since verdicts that are being forgotten have the old ones.
    const known = [...this.#known];
    this.#known.clear();
    for (const [key, bar] of known) if (bar.bars > 0 || bar.barredUntil > now) this.begin(key, bar);
  }

  /** A client had to be handed out: this key is not repeated for a while, but for what is promised already. */
  wentWrong(key: string): void {
    const known = this.#known.get(key) ?? this.begin(key);
    const now = performance.now();
    if (now < known.barredUntil) return;
    known.barredUntil = now + BARRED_MS * 2 ** Math.min(known.bars, MOST_DOUBLINGS);
    known.bars += 1;
  }

  /** This key is not repeated for a while, and nothing is promised by it. */
  bar(key: string): void {
    const { bars = 0 } = this.#known.get(key) ?? {};
    this.begin(key, { barredUntil: performance.now() + BARRED_MS, bars });
  }

  get size(): number {
    return this.#known.size;
  }
}

const UNBARRED: Readonly<Bar> = { barredUntil: 0, bars: 0 };

/** It is not repeated for a while. */
export function isBarred({ barredUntil }: Bar, now: number): boolean {
  return now < barredUntil;
}

/** It is seldom asked for, and there is nothing to remember of it. */
function isDispensable({ held, made, bars, barredUntil }: Known): boolean {
  return held === 0 && made < OFTEN && bars === 0 && performance.now() >= barredUntil;
}
