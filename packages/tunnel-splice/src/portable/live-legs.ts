/** Every leg of a transport that is not over yet: so that `stop` leaves nothing behind, and that closed legs can't pile up. */

/** How many legs may linger at once; further ones are closed without. Two seconds each, so this is for 500 refusals a second. */
const LINGERING_LIMIT = 1024;

/** What the register can do to a leg. */
export interface Stoppable {
  stop(): void;
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

  /** Asks for leave to linger; whoever gets it says when it is over. */
  mayLinger(): boolean {
    if (this.#lingering >= LINGERING_LIMIT) return false;
    this.#lingering += 1;
    return true;
  }

  lingeringOver(): void {
    this.#lingering -= 1;
  }

  /** Ends every leg at once; resolves when the last descriptor is closed. */
  async stop(): Promise<void> {
    for (const leg of this.#legs) leg.stop();
    if (this.#legs.size > 0) await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
  }
}
