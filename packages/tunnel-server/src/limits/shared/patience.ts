/**
 * How long batches wait for the store. Only time in which this process polls its sockets regularly counts. On a machine that is too busy
 * for that, the delay is not the store's, and no client would have been served sooner.
 */

/** A wait, and what is called when it has lasted so long. Neither is called once it is over. */
export interface Awaited {
  onLate(): void;
  onLost(): void;
}

/** From here on an answer is late. Timers are up to a millisecond late, and 5 are promised. */
export const LATE_MS = 4;
/** From here on the connection counts as lost. */
export const LOST_MS = 50;
/** How often the sockets were polled meanwhile. */
const LATE_TURNS = 4;
const LOST_TURNS = 20;
const TURN_MS = 1;

/** When a wait began. */
export interface Start {
  readonly since: number;
  readonly turn: number;
}

/** A wait under way. Its owner ends it, once. */
export interface Wait extends Start {
  end(): void;
}

interface Watched extends Start {
  readonly awaited: Awaited;
  isLate: boolean;
}

/** All waits of one store, on one timer, which runs only while there are any. */
export class Patience {
  readonly #waits = new Set<Watched>();
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;
  #look: NodeJS.Immediate | undefined;

  /** @param start of a wait that this one continues */
  waitFor(awaited: Awaited, start?: Start): Wait {
    const { since, turn } = start ?? { since: performance.now(), turn: this.#turn };
    const watched: Watched = { awaited, since, turn, isLate: false };
    this.#waits.add(watched);
    if (this.#timer === undefined) this.#arm();
    return { since, turn, end: () => this.#end(watched) };
  }

  #arm(): void {
    // After the sockets were polled: what has come by then is read first.
    this.#timer = setTimeout(() => (this.#look = setImmediate(() => this.#judge())), TURN_MS).unref();
  }

  #judge(): void {
    this.#turn += 1;
    const now = performance.now();
    for (const wait of [...this.#waits]) {
      const ageMs = now - wait.since;
      const turns = this.#turn - wait.turn;
      if (!wait.isLate && ageMs >= LATE_MS && turns >= LATE_TURNS) {
        wait.isLate = true;
        wait.awaited.onLate();
      }
      if (ageMs < LOST_MS || turns < LOST_TURNS) continue;
      this.#end(wait);
      wait.awaited.onLost();
    }
    if (this.#waits.size > 0) this.#arm();
  }

  #end(wait: Watched): void {
    this.#waits.delete(wait);
    if (this.#waits.size > 0) return;
    clearTimeout(this.#timer);
    clearImmediate(this.#look);
    this.#timer = undefined;
  }
}
