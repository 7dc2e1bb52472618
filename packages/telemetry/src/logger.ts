/** The log: pino's lines, made safe to show, on their way to stdout or a file. */
import { type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import { isColorSupported, prettyFactory } from 'pino-pretty';
import { LineSink } from './line-sink.ts';
import { escapeControls } from './log-fields.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `json`: one object a line, for machines. `pretty`: one line for people, coloured on a terminal. */
  readonly format: 'json' | 'pretty';
  /** A path to append to; null is stdout. */
  readonly file: string | null;
}

/** Each level's method takes fields and a message, or a message alone. None of them waits, blocks or throws. */
export interface Logger extends Pick<PinoLogger, Exclude<LogLevel, 'silent'>> {
  setLevel(level: LogLevel): void;
  /** How many lines were lost so far, because what reads the log was too slow or its disk full. */
  linesDropped(): number;
  /** Opens the log file anew after it was renamed. Throws the system's error, and then goes on with the old file. */
  reopen(): void;
  /** Writes what is left, waiting no longer than a second. Call it before the process ends; later lines are lost. */
  close(): Promise<void>;
}

/** Throws the system's error where `file` can't be opened. A reader that is slow costs lines, and is told how many. */
export function createLogger({ level, format, file }: LoggerOptions): Logger {
  const present = format === 'pretty' ? prettyPresenter(file === null && isColorSupported) : presentJson;
  const sink = new LineSink(file, (count) =>
    logger.warn(
      { lines_dropped: count },
      'log lines were dropped: what reads the log is too slow, or its disk is full',
    ),
  );
  const logger = pino(PINO_OPTIONS, { write: (line: string) => sink.write(present(line)) });
  logger.level = level;
  return Object.assign(logger, {
    setLevel: (next: LogLevel) => void (logger.level = next),
    linesDropped: () => sink.droppedInAll,
    reopen: () => sink.reopen(),
    close: () => sink.close(),
  });
}

const PINO_OPTIONS = {
  // Not pid and hostname: whoever collects the lines knows where they come from.
  base: null,
  // Read by people at night as often as by machines: ISO 8601 in UTC, and the level in words.
  timestamp: stdTimeFunctions.isoTime,
  formatters: { level: (level: string) => ({ level }) },
};

type Presenter = (jsonLine: string) => string;

/** JSON escapes C0 by itself; here the rest is, in one place that no field gets round. */
function presentJson(jsonLine: string): string {
  return `${escapeControls(jsonLine.slice(0, -1))}\n`;
}

function prettyPresenter(colorize: boolean): Presenter {
  const prettify = prettyFactory({ colorize, singleLine: true, translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l' });
  return (jsonLine) => prettify(JSON.parse(jsonLine, escapeValue));
}

/** pino-pretty prints messages as they are, so what it is given must be harmless already. */
function escapeValue(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  // A stack trace is made of lines, and is only ever our own.
  return key === 'stack' ? value.split('\n').map(escapeControls).join('\n') : escapeControls(value);
}
