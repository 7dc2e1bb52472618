/** What is measured: one workload, its columns, and how a run of it makes a figure for each. */
import { availableParallelism } from 'node:os';
import type { Door, Peer, ScenarioName } from '../peers/peer.ts';
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
  /** Of all its doors. */
  readonly ports: Readonly<Record<Door, number>>;
  /** What it has printed so far, where the scenario has `v8Flags`. */
  readonly readOutput: () => string;
}

/** A further column: one of the figures of each run, held against that of another row in the same run. */
export interface Comparison {
  readonly heading: string;
  /** The heading of the column that is compared. */
  readonly column: string;
  readonly how: 'over' | 'less';
  readonly digits: number;
  /** The ids of the peers that will do, the first that was measured first; none for no figure. */
  readonly against: (peer: Peer) => readonly string[];
}

export interface Scenario {
  readonly name: ScenarioName;
  readonly title: string;
  /** A sentence or two below the title. */
  readonly note: string;
  /** `either`: the SNI door where the peer has one. */
  readonly door: Door | 'either';
  readonly columns: readonly Column[];
  readonly comparisons?: readonly Comparison[];
  /** For peers in Node. */
  readonly v8Flags?: readonly string[];
  /** The proxy is not held to one core. */
  readonly usesAllCores?: boolean;
  measure(through: Through, bench: Bench): Promise<Figures>;
}

/** Sets a row with an access log against nginx with one, and a row without against nginx without. */
export function overNginx(door: Door, column: string, digits = 2): Comparison {
  const likes = door === 'sni' ? ['nginx'] : ['nginx-tunnel', 'nginx-proxy-connect'];
  return {
    heading: `${column}, over nginx's like for like`,
    column,
    how: 'over',
    digits,
    against: ({ withoutLog }) => (withoutLog === undefined ? likes : likes.map((id) => `${id}-log`)),
  };
}

/** What an access log adds: a row with it, less the same peer's row without. */
export function logCost(column: string): Comparison {
  return {
    heading: `${column}, of these by its log`,
    column,
    how: 'less',
    digits: 1,
    against: ({ withoutLog }) => (withoutLog === undefined ? [] : [withoutLog]),
  };
}

/** As taskset takes them. */
export const allCores = `0-${availableParallelism() - 1}`;

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
