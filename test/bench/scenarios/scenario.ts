/** What is measured: one workload, its columns, and how a run of it makes a figure for each. */
import { availableParallelism } from 'node:os';
import type { Door, ScenarioName } from '../peers/peer.ts';
import type { Bench } from '../run-interleaved.ts';

export interface Column {
  readonly heading: string;
  readonly digits: number;
}

/** One a column, in their order; NaN for none. */
export type Figures = readonly number[];

/** The proxy under measurement, seen through one of its doors. */
export interface Through {
  readonly pid: number;
  readonly port: number;
  readonly door: Door;
}

/** Headings and labels as in the table. */
export interface Ratio {
  readonly heading: string;
  readonly overRow: string;
}

export interface Scenario {
  readonly name: ScenarioName;
  readonly title: string;
  /** A sentence or two below the title. */
  readonly note: string;
  /** `either`: the SNI door where the peer has one. */
  readonly door: Door | 'either';
  readonly columns: readonly Column[];
  /** A further column: one of the figures over another row's of the same run. */
  readonly ratio?: Ratio;
  /** The proxy is not held to one core. */
  readonly usesAllCores?: boolean;
  measure(through: Through, bench: Bench): Promise<Figures>;
}

/** As taskset takes them. */
export const allCores = `0-${availableParallelism() - 1}`;

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
