/** Handles the signals sent to a running program. */
import { isatty } from 'node:tty';
import type { Steps } from '@sallyport/config';
import type { Logger } from '@sallyport/telemetry';
import type { ConfigWatch } from './config-watch.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { explainLogError } from './log-errors.ts';
import { isNpm, parentName } from './parent-process.ts';
import type { Program } from './program.ts';
import type { SettingsResult } from './settings.ts';
import { doInSlices } from './slices.ts';
import type { ServiceManager } from './systemd/service-manager.ts';
import type { Successor } from './takeover/start-successor.ts';
import { takeOver } from './takeover/take-over.ts';

/** What signals are handled with. */
export interface Supervision {
  readonly log: Logger;
  readonly serviceManager: ServiceManager;
  /** It sends SIGHUP, as it were, and has done so since the program began to start. */
  readonly watch: ConfigWatch;
  /** Reads the configuration again. */
  readonly readSettings: () => Steps<SettingsResult>;
  /** How many descriptors this process was passed at its start. */
  readonly inheritedCount: number;
}

/**
 * Resolves with the exit code once SIGTERM or SIGINT has drained the program, or a successor serves and the program has left. A second
 * SIGTERM or SIGINT ends the process at once, unless it is the first one again.
 */
export async function superviseProgram(program: Program, supervision: Supervision): Promise<ExitCode> {
  const { log, serviceManager } = supervision;
  process.on('SIGUSR2', () => reopenLog(log));
  const { first, second } = ofEither('SIGTERM', 'SIGINT');
  const terminated = first.then(() => 'terminated' as const);
  const changes = new Changes(program, supervision);
  serviceManager.ready();
  const end = await Promise.race([changes.succeeded, terminated]);
  const isTerminated = end === 'terminated';
  const ended = changes.stop().then(() => {
    if (!isTerminated) return leave(program, terminated);
    serviceManager.stopping();
    return program.drain();
  });
  // The second signal may come while a change is still being stopped.
  const exitCode = await Promise.race([ended.then(() => EXIT.ok), second.then(() => EXIT.failure)]);
  if (exitCode !== EXIT.ok) await program.cut();
  log.info({ exit: exitCode }, exitCode === EXIT.ok ? 'drained' : 'ended at once by a second signal');
  await log.close();
  return exitCode;
}

/** A signal ends the process sooner than a takeover would. */
function leave(program: Program, terminated: Promise<unknown>): Promise<void> {
  return Promise.race([program.leave(), terminated.then(() => program.drain())]);
}

/** Reloads and takeovers, one at a time, in the order in which they were asked for. */
class Changes {
  /** Resolves when a successor serves. */
  readonly succeeded: Promise<'succeeded'>;
  readonly #program: Program;
  readonly #supervision: Supervision;
  #last: Promise<void> = Promise.resolve();
  #successor: Successor | undefined;
  /** The process id of a successor that serves since this very turn of the event loop. */
  #heir: number | undefined;
  #isOver = false;

  constructor(program: Program, supervision: Supervision) {
    this.#program = program;
    this.#supervision = supervision;
    process.on('SIGHUP', () => this.#next('SIGHUP', () => this.#reload()));
    this.succeeded = new Promise((resolve) => {
      process.on('SIGUSR1', () => this.#next('SIGUSR1', () => this.#takeOver(() => resolve('succeeded'))));
    });
  }

  /** Resolves once nothing is under way any more. No further change begins. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#supervision.watch.stop();
    this.#successor?.stop();
    await this.#last;
  }

  #next(signal: NodeJS.Signals, step: () => Promise<void>): void {
    this.#last = this.#last
      .then(() => (this.#isOver ? this.#ignore(signal) : step()))
      .catch((cause: unknown) => this.#supervision.log.error({ err: cause }, 'internal error'));
  }

  #ignore(signal: NodeJS.Signals): void {
    if (signal === 'SIGHUP' && this.#heir !== undefined) {
      this.#passOn(signal, this.#heir);
      return;
    }
    this.#supervision.log.warn(`${signal} is ignored: this process is about to end`);
  }

  /** It came during the takeover: the successor may have read the file before. */
  #passOn(signal: NodeJS.Signals, pid: number): void {
    process.kill(pid, signal);
    this.#supervision.log.info({ pid }, `${signal} is passed on to the successor`);
  }

  /** All or nothing: a file with a problem changes nothing, and the log names its place. */
  async #reload(): Promise<void> {
    const { log, readSettings, serviceManager, watch } = this.#supervision;
    serviceManager.reloading();
    try {
      watch.aboutToRead();
      const next = await doInSlices(readSettings(), () => !this.#isOver);
      if (next === undefined) {
        this.#ignore('SIGHUP');
        return;
      }
      const result = await this.#program.reload(next);
      watch.wasRead(next, result);
      if (result.kind === 'reloaded') {
        for (const warning of result.warnings) log.warn({ detail: warning }, 'configuration warning');
        log.info('reloaded');
        if (log.isAway()) reopenLog(log);
      } else {
        log.error({ problems: result.problems }, 'reload failed');
      }
    } finally {
      serviceManager.ready();
    }
  }

  async #takeOver(onSucceeded: () => void): Promise<void> {
    const onStarted = (successor: Successor): void => void (this.#successor = successor);
    const isSucceeded = await takeOver(this.#program, { ...this.#supervision, onStarted });
    const pid = this.#successor?.pid;
    this.#successor = undefined;
    if (!isSucceeded) return;
    this.#isOver = true;
    // No later: once it has ended, the number may be another process's.
    this.#heir = pid;
    setImmediate(() => (this.#heir = undefined));
    onSucceeded();
  }
}

/** Where the file cannot be opened, the log continues in the old one. */
function reopenLog(log: Logger): void {
  try {
    if (log.reopen()) log.info('log file reopened');
    else log.warn('SIGUSR2 is ignored: the log goes to stdout, which cannot be opened again; set log.file');
  } catch (cause) {
    log.error({ detail: explainLogError(cause) }, 'the log stays in the old file');
  }
}

/**
 * Resolve at the first of these signals, and at the second. The listeners stay: without any, a signal right after the first would end the
 * process before it could drain.
 */
function ofEither(...signals: readonly NodeJS.Signals[]): { first: Promise<void>; second: Promise<void> } {
  const [first, second] = [promised(), promised()];
  let isEcho: ((signal: NodeJS.Signals) => boolean) | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isEcho === undefined) {
      isEcho = followEchoes(signal);
      first.resolve();
    } else if (!isEcho(signal)) second.resolve();
  };
  for (const signal of signals) process.on(signal, onSignal);
  return { first: first.promise, second: second.promise };
}

/** So soon after the first one, another may be the same one, passed on. */
const PASSING_ON_MS = 500;

/**
 * Tells for each signal after the first, which has just come, whether it is the same one again. A group of processes may get it as a whole,
 * from systemd or Ctrl-C say, and each process from its parent besides: timeout(1) sends both at once, and npm passes on what it gets.
 */
function followEchoes(first: NodeJS.Signals): (signal: NodeJS.Signals) => boolean {
  const firstAt = performance.now();
  const isPassedOn = isNpm(parentName());
  let isSameTurn = true;
  setImmediate(() => (isSameTurn = false));
  return (signal) => {
    const mayBePassedOn = (isPassedOn && signal === first) || (signal === 'SIGINT' && isatty(0));
    return (isSameTurn && signal === first) || (mayBePassedOn && performance.now() - firstAt < PASSING_ON_MS);
  };
}

function promised(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((fulfil) => (resolve = fulfil));
  return { promise, resolve };
}
