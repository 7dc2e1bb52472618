import type { ConfigPath } from '@sallyport/config';

/** The exit codes that scripts may rely on. */
export const EXIT = {
  ok: 0,
  /** A runtime failure, such as a port in use. */
  failure: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** `explain`: the request would be denied. */
  denied: 3,
} as const;

/** Of the process. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What a cause says of itself: anything may be thrown. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Ends the program with one line on stderr, or one for each problem of a configuration; the message names the cause and the remedy. */
export class FatalError extends Error {
  override readonly name = 'FatalError';
  readonly exitCode: ExitCode;
  /** Of the message. What an argument or a value begins is no line of its own. */
  readonly lines: readonly string[];
  /** The key of the configuration that it is about, if any. */
  readonly path: ConfigPath | undefined;

  constructor(message: string | readonly string[], exitCode: ExitCode, cause?: unknown, path?: ConfigPath) {
    const lines = typeof message === 'string' ? [message] : message;
    super(lines.join('\n'), { cause });
    this.lines = lines;
    this.exitCode = exitCode;
    this.path = path;
  }
}
