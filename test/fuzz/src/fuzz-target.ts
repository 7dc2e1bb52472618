/** A target of the fuzzer, and the result of a run. */
import type { Random } from './random.ts';

/** One thing under test. `check` says what is wrong with the answer to `input`, if anything; throwing is wrong too. */
export interface FuzzTarget {
  /** Inputs to start from: good ones, and bad ones that were worth a test. */
  readonly seeds: readonly Uint8Array[];
  /** Pieces worth inserting anywhere. */
  readonly dictionary: readonly Uint8Array[];
  /** `random` depends on the input alone, so that a failure can be run again. */
  check(input: Uint8Array, random: Random): string | undefined | Promise<string | undefined>;
  /** Gives back what the target holds. */
  close?(): Promise<void>;
}

export interface Report {
  readonly inputs: number;
  readonly slowestMs: number;
  readonly failure?: { readonly why: string; readonly input: Uint8Array };
}
