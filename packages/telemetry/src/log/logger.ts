/** The log: pino's lines, numbered and made safe to show, on their way to stdout or a file. */
import { type Logger as PinoLogger, pino } from 'pino';
import { isColorSupported, prettyFactory } from 'pino-pretty';
import { escapeControls } from './escape-controls.ts';
import type { LiveLine, MessageFields, TunnelLine } from './fields.ts';
import { LineSink } from './line-sink.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `json`: one object a line, for machines. `pretty`: one line for people, coloured on a terminal. */
  readonly format: 'json' | 'pretty';
  /** A path to append to; null is stdout. */
  readonly file: string | null;
}

/** Each level's method takes fields and a message, or a message alone. No method waits, blocks or throws, but where it says so. */
export interface Logger extends Readonly<Record<Exclude<LogLevel, 'silent'>, LogMessage>> {
  /** Writes the one line of a tunnel or a refusal. */
  tunnel(level: Exclude<LogLevel, 'silent'>, line: TunnelLine): void;
  /** Writes that a tunnel is up, or how far it is. */
  live(msg: 'open' | 'progress', line: LiveLine): void;
  /** Goes on with these. Throws the system's error where the file can't be opened, and then goes on as before. */
  reconfigure(options: LoggerOptions): void;
  /** How many lines were lost so far, because what reads the log was too slow or its disk full. */
  linesDropped(): number;
  /** Opens the log file anew after it was renamed. Throws the system's error, and then goes on with the old file. */
  reopen(): void;
  /** Writes what is left, waiting no longer than a second. Call it before the process ends; later lines are lost. */
  close(): Promise<void>;
}

interface LogMessage {
  (fields: MessageFields, message: string): void;
  (message: string): void;
}

/** Throws the system's error where `file` can't be opened. A reader that is slow costs lines, and is told how many. */
export function createLogger({ level, format, file }: LoggerOptions): Logger {
  let present = presenterOf(format, file);
  const sink = new LineSink(file, (count) =>
    messages.warn(
      { lines_dropped: count },
      'log lines were dropped: what reads the log is too slow, or its disk is full',
    ),
  );
  const messages = createPino((line) => sink.write(present(line)));
  messages.level = level;
  return Object.assign(messages, {
    tunnel: (of: Exclude<LogLevel, 'silent'>, line: TunnelLine) => messages[of](line, 'tunnel'),
    live: (msg: 'open' | 'progress', line: LiveLine) => messages.info(line, msg),
    reconfigure(next: LoggerOptions) {
      sink.redirect(next.file);
      present = presenterOf(next.format, next.file);
      messages.level = next.level;
    },
    linesDropped: () => sink.droppedInAll,
    reopen: () => sink.reopen(),
    close: () => sink.close(),
  });
}

function createPino(write: (line: string) => void): PinoLogger {
  let seq = 0;
  const options = {
    // Not pid and hostname: whoever collects the lines knows where they come from.
    base: null,
    // Read by people at night as often as by machines: ISO 8601 in UTC, and the level in words. It is asked once for every line, and so
    // counts them.
    timestamp: () => `,"time":"${new Date().toISOString()}","seq":${(seq += 1)}`,
    formatters: { level: (level: string) => ({ level }) },
  };
  const logger = pino(options, { write });
  // pino has asked once, to see its form.
  seq = 0;
  return logger;
}

type Presenter = (jsonLine: string) => string;

function presenterOf(format: LoggerOptions['format'], file: string | null): Presenter {
  return format === 'pretty' ? prettyPresenter(file === null && isColorSupported) : presentJson;
}

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
