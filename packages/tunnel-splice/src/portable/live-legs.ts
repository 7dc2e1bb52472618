/** Every leg of a transport that is not over yet. With it `stop` ends all of them, and the number of closed legs is bounded. */
import { setTimeout as delay } from 'node:timers/promises';

/** How many legs may linger at once; further ones are closed at once. At two seconds each, this serves 500 refusals a second. */
const LINGERING_LIMIT = 1024;

/** How long `stop` waits for the last bytes of closed legs, in milliseconds: a client that uses TLS gets them behind its handshake. */
const LAST_WORDS_MS = 1_000;

/** What the register does with a leg. */
export interface Stoppable {
  stop(): void;
  /** Resolves once the last bytes of a closed leg are sent, or never can be; at once for one that is not closed. */
  lastBytesSent(): Promise<unknown>;
}

/** The register. */
export class LiveLegs {
  readonly #legs = new Set<Stoppable>();
  #lingering = 0;
  #whenEmpty: (() => void) | undefined;

  add(leg: Stoppable): void {
    this.#legs.add(leg);
  }

  delete(leg: Stoppable): void {
    this.#legs.delete(leg);
    if (this.#legs.size === 0) this.#whenEmpty?.();
  }

  /** Asks for permission to linger. A leg that gets it must report when it is over. */
  mayLinger(): boolean {
    if (this.#lingering >= LINGERING_LIMIT) return false;
    this.#lingering += 1;
    return true;
  }

  lingeringOver(): void {
    this.#lingering -= 1;
  }

  /** Ends every leg, those that are closed behind their last bytes; resolves when the last descriptor is closed. */
  async stop(): Promise<void> {
    const sent = Promise.all([...this.#legs].map((leg) => leg.lastBytesSent()));
    await Promise.race([sent, delay(LAST_WORDS_MS, undefined, { ref: false })]);
    for (const leg of this.#legs) leg.stop();
    if (this.#legs.size > 0) await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
  }
}
