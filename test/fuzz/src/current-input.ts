/** The current input, in memory that the main thread can read while a worker hangs. */
import type { TargetName } from './targets/names.ts';

export interface WorkerOptions {
  readonly target: TargetName;
  readonly seed: number;
  readonly seconds: number;
  readonly replay: Uint8Array | undefined;
  readonly current: SharedArrayBuffer;
}

export const MAX_INPUT_BYTES = 64 * 1024;

/** Two 32-bit words, the count of inputs and the length of this one; then its bytes. */
const HEADER_BYTES = 8;

export class CurrentInput {
  readonly memory: SharedArrayBuffer;
  readonly #header: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(memory = new SharedArrayBuffer(HEADER_BYTES + MAX_INPUT_BYTES)) {
    this.memory = memory;
    this.#header = new Int32Array(memory, 0, 2);
    this.#bytes = new Uint8Array(memory, HEADER_BYTES);
  }

  begin(input: Uint8Array): void {
    this.#bytes.set(input);
    this.#header[1] = input.length;
    Atomics.add(this.#header, 0, 1);
  }

  get count(): number {
    return Atomics.load(this.#header, 0);
  }

  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#header[1]);
  }
}
