/** What a log line is when it has been written, and who takes it. */

/** How grave a line is. */
export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** One line in JSON. It is there until the next is written: who keeps it copies it. */
export interface WrittenLine {
  /** UTF-8, from 0 to `length`, its newline included. */
  readonly bytes: Buffer;
  readonly length: number;
  readonly level: Level;
  readonly seq: number;
}

/** Where lines go. Taking one never waits: what cannot be kept is dropped and counted. */
export interface LogSink {
  write(line: WrittenLine): void;
  /** How many lines could not be kept so far. */
  readonly linesDropped: number;
  /** Hands on what is left, waiting a second at most. Later lines are ignored. */
  close(): Promise<void>;
}

/** What a sink waits for when it is closed. */
export const CLOSE_DEADLINE_MS = 1_000;
