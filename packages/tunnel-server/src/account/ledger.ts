/** Every live tunnel of the process: for the scrape (bytes of open tunnels), the progress lines and the drain. */
import type { Leg } from '@sallyport/tunnel-splice';
import {
  type CutReason,
  type RecordedDoor,
  type RecordKeeper,
  type RecordOptions,
  TunnelRecord,
} from './tunnel-record.ts';

export class Ledger implements RecordKeeper {
  /** Replaced by a reload; a record reads it when it needs it. */
  options: RecordOptions;
  /** No new tunnels any more; the live ones go on. */
  isDraining = false;
  readonly #live = new Set<TunnelRecord>();
  readonly #idPrefix = Math.trunc(Date.now() / 1000).toString(36);
  #opened = 0;
  #onEmpty: (() => void) | undefined;

  constructor(options: RecordOptions) {
    this.options = options;
  }

  /** Opens the record of a client that was just accepted. Ids are unique over restarts: the start's second, then a count. */
  open(client: Leg, door: RecordedDoor): TunnelRecord {
    this.#opened += 1;
    const record = new TunnelRecord(`${this.#idPrefix}-${this.#opened.toString(36)}`, client, door, this);
    this.#live.add(record);
    return record;
  }

  /** A record's last act. */
  forget(record: TunnelRecord): void {
    this.#live.delete(record);
    if (this.#live.size === 0) this.#onEmpty?.();
  }

  get liveCount(): number {
    return this.#live.size;
  }

  /** Adds what has flowed since the last time to `bytes_total`, so that it is true while tunnels are open. */
  countLiveBytes(): void {
    for (const record of this.#live) record.countBytes();
  }

  cutAll(reason: CutReason): void {
    for (const record of [...this.#live]) record.cut(reason);
  }

  /** Resolves to true when no connection is left, or to false after `timeoutMs` with some still live. */
  async whenEmpty(timeoutMs: number): Promise<boolean> {
    if (this.#live.size === 0) return true;
    return new Promise((resolve) => {
      const settle = (isEmpty: boolean): void => {
        clearTimeout(timer);
        this.#onEmpty = undefined;
        resolve(isEmpty);
      };
      const timer = setTimeout(settle, timeoutMs, false);
      this.#onEmpty = () => settle(true);
    });
  }
}
