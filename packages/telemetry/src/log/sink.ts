/** A written log line, and the interface of its receivers. */

/** The severity of a line. */
export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** One line in JSON. It is valid until the next is written: a receiver that keeps it must copy it. */
export interface WrittenLine {
  /** UTF-8, from 0 to `length`, its newline included. */
  readonly bytes: Buffer;
  readonly length: number;
  readonly level: Level;
  readonly seq: number;
}

/** A receiver of lines. It never waits: lines that it cannot keep are dropped and counted. */
export interface LogSink {
  write(line: WrittenLine): void;
  /** How many lines could not be kept so far. */
  readonly linesDropped: number;
  /** Writes what is left, and waits a second at most. Later lines are ignored. */
  close(): Promise<void>;
}

/** The longest that a sink waits when it is closed. */
export const CLOSE_DEADLINE_MS = 1_000;
