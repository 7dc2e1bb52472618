/**
 * The messages between this thread and the data threads: records of 32-bit words, in batches both ways.
 *
 * A record is [words in all, kind, ...arguments, ...bytes padded to a word]. The upper half of a command's second word names the thread
 * it is for. The numbers are those of `native/src/wire.h`; a test compares the two files.
 */

import type { TunnelEnd } from '../transport.ts';

/** A span that never ends. */
export const NEVER = 0xffffffff;

/** A time-out as the data threads expect it: whole milliseconds. */
export function toSpan(ms: number): number {
  return ms < NEVER ? Math.max(0, Math.ceil(ms)) : NEVER;
}

/** The first bit of the thread in a command's second word. */
export const THREAD_SHIFT = 16;

/** The lower bits of a place are the index in the thread's table, the upper ones name the thread. */
export const INDEX_BITS = 24;

const INDEX_MASK = 0xff_ffff;

/** How many tunnels share one page of counts. */
export const TUNNELS_PER_PAGE = 4096;

/** Commands to the data threads, by number. */
export const COMMAND = {
  dial: 1,
  cancelDial: 2,
  write: 3,
  close: 4,
  reset: 5,
  grant: 6,
  splice: 7,
  return: 8,
  cut: 9,
  closeListener: 11,
  awaitDrain: 12,
  promise: 13,
  allowSilence: 14,
  detach: 15,
  learn: 16,
  remember: 17,
  spare: 18,
  forget: 19,
} as const;

export type Command = (typeof COMMAND)[keyof typeof COMMAND];

/** Events of the data threads, by number. */
export const EVENT = {
  accepted: 1,
  data: 2,
  gone: 3,
  end: 4,
  failed: 5,
  dialed: 6,
  tunnelEnded: 7,
  listenerClosed: 8,
  drained: 9,
  joined: 10,
  silenced: 11,
  shortage: 12,
  detached: 13,
  repeated: 14,
  forgotten: 15,
  turnedAway: 16,
} as const;

/** By number, as all lists below. */
export const INTERCEPTIONS = ['none', 'redirect', 'tproxy'] as const;

/** How a dial has ended. `answered` is `connected`, behind the whole answer to its preface. */
export const DIAL_OUTCOMES = [
  'connected',
  'refused',
  'unreachable',
  'timeout',
  'reset',
  'exhausted',
  'cancelled',
  'answered',
  'no-source',
] as const;

/** Why a tunnel has ended. */
export const TUNNEL_ENDS = [
  'client_closed',
  'upstream_closed',
  'client_reset',
  'upstream_reset',
  'idle',
  'half_close',
  'lifetime',
  'cut',
] as const satisfies readonly TunnelEnd[];

/** The name of a leg. A command for a leg that is gone finds another generation in its place, and does nothing. */
export interface LegName {
  /** The thread, and the index in its table. */
  readonly place: number;
  readonly generation: number;
}

/** The data thread of a leg. */
export const threadOf = (leg: Pick<LegName, 'place'>): number => leg.place >>> INDEX_BITS;

/** Its index in that thread's table. */
export const indexOf = (place: number): number => place & INDEX_MASK;
