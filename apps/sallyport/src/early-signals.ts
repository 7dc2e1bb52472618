/** Signals that come while the program starts. */
import { statSync } from 'node:fs';

/** SIGTERM or SIGINT came before the program was up. */
export class EndedEarly extends Error {
  override readonly name = 'EndedEarly';
}

const ASKING_FOR_THE_END = ['SIGTERM', 'SIGINT'] as const;
/** The program, the configuration and the log are opened long before the program is up. */
const ASKING_FOR_ANOTHER_OPENING = ['SIGUSR1', 'SIGHUP', 'SIGUSR2'] as const;

/** One for a start. Its end is a call of `release`, or that of the process. */
export class EarlySignals {
  /** Rejects with an {@link EndedEarly}. */
  readonly ended: Promise<never>;
  readonly #came = new Set<NodeJS.Signals>();
  readonly #note = (signal: NodeJS.Signals): void => {
    this.#came.add(signal);
    if (ASKING_FOR_THE_END.some((each) => each === signal)) this.#end(new EndedEarly(signal));
  };
  #end: (cause: EndedEarly) => void = () => undefined;

  constructor() {
    this.ended = new Promise<never>((_, reject) => (this.#end = reject));
    // Nobody may be waiting for it at the time.
    this.ended.catch(() => undefined);
    for (const signal of [...ASKING_FOR_THE_END, ...ASKING_FOR_ANOTHER_OPENING]) process.on(signal, this.#note);
  }

  /** Other listeners are there by now: they get what has come, once each. */
  release(): void {
    for (const signal of [...ASKING_FOR_THE_END, ...ASKING_FOR_ANOTHER_OPENING]) process.off(signal, this.#note);
    for (const signal of this.#came) process.emit(signal, signal);
  }
}

/** Reads a file. While it is a pipe that is waited for, no listener would be called, so the system itself ends the process. */
export function readEndably<Result>(file: string, read: () => Result): Result {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() ?? true) return read();
  const listeners = ASKING_FOR_THE_END.map((signal) => [signal, process.listeners(signal)] as const);
  for (const signal of ASKING_FOR_THE_END) process.removeAllListeners(signal);
  try {
    return read();
  } finally {
    for (const [signal, each] of listeners) for (const listener of each) process.on(signal, listener);
  }
}
