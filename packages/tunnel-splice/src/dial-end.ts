import type { DialResult } from './transport.ts';

/** What a dial has come to: told to one listener. Only a caller that wants a promise costs one. */
export class DialEnd {
  #result: DialResult | undefined;
  #listener: ((result: DialResult) => void) | undefined;
  #promise: Promise<DialResult> | undefined;

  get isOver(): boolean {
    return this.#result !== undefined;
  }

  get done(): Promise<DialResult> {
    return (this.#promise ??= new Promise((resolve) => this.whenDone(resolve)));
  }

  whenDone(listener: (result: DialResult) => void): void {
    if (this.#result === undefined) this.#listener = listener;
    else listener(this.#result);
  }

  /** The first call counts. */
  protected settle(result: DialResult): void {
    if (this.#result !== undefined) return;
    this.#result = result;
    const listener = this.#listener;
    // A dial that lives on must not keep what its listener knows.
    this.#listener = undefined;
    listener?.(result);
  }
}
