/** The outcome of an attack, and the limits that it must keep. */
import { mebibytes } from './memory.ts';
import type { AttackOptions } from './options.ts';

/** What honest clients waited for a tunnel, an answer or a probe, in milliseconds. */
export interface Waits {
  readonly count: number;
  readonly p99Ms: number;
  readonly worstMs: number;
  /** What went wrong, each thing once. */
  readonly failures: readonly string[];
}

export interface Outcome {
  readonly name: string;
  readonly isAlive: boolean;
  /** How often the attack was made; and what the attacker itself died of. */
  readonly attack: { readonly rounds: number; readonly fault?: string };
  readonly waits: Waits;
  /** What the heap and all that hangs on it hold once they were collected, before and after. */
  readonly base: number;
  readonly kept: number;
  /** Resident, meanwhile. */
  readonly peakBytes: number;
  /** Connections that the forbidden origin has seen. */
  readonly leaks: number;
}

const P99_MS = 50;
const KEPT = 1.1;

/** Why the case did not hold; nothing where it did. */
export function failuresOf({ isAlive, attack, waits, base, kept, leaks }: Outcome): readonly string[] {
  const failures: string[] = [];
  if (!isAlive) failures.push('the proxy ended');
  if (attack.fault !== undefined) failures.push(`the attacker: ${attack.fault}`);
  if (attack.rounds === 0) failures.push('the attack was never made');
  if (waits.count === 0) failures.push('no honest client was served');
  if (waits.p99Ms >= P99_MS) failures.push(`p99 ${waits.p99Ms.toFixed(0)} ms`);
  failures.push(...waits.failures.slice(0, 3));
  if (!(kept <= base * KEPT)) failures.push(`keeps ${mebibytes(kept - base)} MiB`);
  if (leaks > 0) failures.push(`the forbidden origin was reached ${leaks} times`);
  return failures;
}

export function printHeading(engine: string, { heapMiB, minutes }: AttackOptions): void {
  process.stdout.write(`\n${engine}, heap of ${heapMiB} MiB, ${minutes} min in all\n`);
  print(
    'attack',
    ['rounds', 'alive', 'honest', 'p99 ms', 'worst ms', 'peak MiB', 'before MiB', 'after MiB'],
    'verdict',
  );
}

export function printOutcome(outcome: Outcome, failures: readonly string[]): void {
  const { name, isAlive, attack, waits, base, kept, peakBytes } = outcome;
  print(
    name,
    [
      String(attack.rounds),
      isAlive ? 'yes' : 'NO',
      String(waits.count),
      waits.p99Ms.toFixed(1),
      waits.worstMs.toFixed(0),
      mebibytes(peakBytes),
      mebibytes(base),
      Number.isNaN(kept) ? '-' : mebibytes(kept),
    ],
    failures.length === 0 ? 'held' : failures.join('; '),
  );
}

function print(name: string, cells: readonly string[], verdict: string): void {
  process.stdout.write(`${name.padEnd(30)}${cells.map((cell) => cell.padStart(11)).join('')}  ${verdict}\n`);
}
