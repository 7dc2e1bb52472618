/** The log: lines about tunnels from templates, and messages from pino. Both are numbered, escaped and given to the sinks. */
import type { Logger as PinoLogger } from 'pino';
import { loadPino } from '../load-library.ts';
import { Collectors } from './collectors/collectors.ts';
import type { OtlpOptions } from './collectors/otlp-courier.ts';
import type { SyslogOptions } from './collectors/syslog-courier.ts';
import type { LiveLine, MessageFields, TunnelLine } from './fields.ts';
import { LineSink, type Presenter } from './line-sink.ts';
import { LineWriter } from './line-writer.ts';
import { prettyPresenter } from './pretty.ts';
import type { Level } from './sink.ts';

export type LogLevel = Level | 'silent';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `json`: one object a line, for machines. `pretty`: one line for people, coloured on a terminal. */
  readonly format: 'json' | 'pretty';
  /** A path to append to; null is stdout. */
  readonly file: string | null;
  /** Collectors that get every line too, in JSON; null or left out: none. */
  readonly syslog?: SyslogOptions | null;
  readonly otlp?: OtlpOptions | null;
}

/** Each level's method takes fields and a message, or a message alone. A method waits, blocks or throws only where that is stated. */
export interface Logger extends Readonly<Record<Level, LogMessage>> {
  /** Writes the one line of a tunnel or a refusal. */
  tunnel(level: Level, line: TunnelLine): void;
  /** Writes that a tunnel is up, or its bytes so far. */
  live(msg: 'open' | 'progress', line: LiveLine): void;
  /** Continues with other options. Throws the system's error where the file cannot be opened, and then continues as before. */
  reconfigure(options: LoggerOptions): void;
  /**
   * How many lines were lost so far, because the reader of the log was too slow or gone, or its disk full. A line that two sinks lose
   * counts twice.
   */
  linesDropped(): number;
  /**
   * Opens the log file again after it was renamed; false where the log goes to stdout. Throws the system's error, and then continues with
   * the old file.
   */
  reopen(): boolean;
  /** Whether lines go to a file that was renamed or removed: `reopen` begins a new one. */
  isAway(): boolean;
  /** Writes what is left, waiting no longer than a second. Call it before the process ends; later lines are lost. */
  close(): Promise<void>;
}

interface LogMessage {
  (fields: MessageFields, message: string): void;
  (message: string): void;
}

/** Throws the system's error where `file` cannot be opened. Lines are lost where a reader is slow, and their number is logged. */
export function createLogger(options: LoggerOptions): Logger {
  const lines = new LineWriter();
  const sink = new LineSink(options.file, {
    present: presenterOf(options),
    onDropped: (count) =>
      messages.warn(
        { lines_dropped: count },
        'log lines were dropped: what reads the log is too slow or has left, or its disk is full',
      ),
  });
  const collectors = new Collectors(options, {
    onLost: (address, detail) => messages.warn({ address, detail }, 'a log collector is lost; lines wait for it'),
    onBack: (address, count) => messages.info({ address, lines_dropped: count }, 'a log collector is back'),
  });
  const hand = (): void => {
    sink.write(lines);
    collectors.write(lines);
  };
  const messages = createPino(lines, hand);
  messages.level = options.level;
  let { format, file } = options;
  const about = (level: Level, msg: 'tunnel' | 'open' | 'progress', line: TunnelLine | LiveLine): void => {
    if (!messages.isLevelEnabled(level)) return;
    lines.tunnel(level, msg, line);
    hand();
  };
  return Object.assign(messages, {
    tunnel: (level: Level, line: TunnelLine) => about(level, 'tunnel', line),
    live: (msg: 'open' | 'progress', line: LiveLine) => about('info', msg, line),
    reconfigure(next: LoggerOptions) {
      sink.redirect(next.file);
      // Otherwise the columns keep their widths.
      if (next.format !== format || next.file !== file) sink.present = presenterOf(next);
      ({ format, file } = next);
      collectors.reconfigure(next);
      messages.level = next.level;
    },
    linesDropped: () => sink.linesDropped + collectors.linesDropped,
    reopen: () => sink.reopen(),
    isAway: () => sink.isAway,
    async close() {
      await Promise.all([sink.close(), collectors.close()]);
    },
  });
}

function presenterOf({ format, file }: LoggerOptions): Presenter | undefined {
  if (format === 'json') return undefined;
  // Node.js handles NO_COLOR, FORCE_COLOR and terminals without colours.
  return prettyPresenter({ isColoured: file === null && process.stdout.isTTY && process.stdout.hasColors() });
}

/** @param onLine called when the line is in `lines` */
function createPino(lines: LineWriter, onLine: () => void): PinoLogger {
  const options = {
    // Without pid and hostname: a log collector adds them.
    base: null,
    // ISO 8601 in UTC, and the level in words, for people as well as machines. pino calls it once for every line, so it numbers them too.
    timestamp: () => `,"time":"${new Date().toISOString()}","seq":${(lines.seq += 1)}`,
    formatters: { level: (level: string) => ({ level }) },
  };
  const write = (line: string): void => {
    lines.message(line);
    onLine();
  };
  const { pino } = loadPino();
  const logger = pino(options, { write });
  // pino has called it once already, to see its form.
  lines.seq = 0;
  return logger;
}
