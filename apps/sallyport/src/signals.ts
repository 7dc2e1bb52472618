/** What signals do to a running program. */
import type { Logger } from '@sallyport/telemetry';
import { EXIT, type ExitCode } from './exit.ts';
import { ConfigWatch } from './config-watch.ts';
import type { Program } from './program.ts';
import type { SettingsResult } from './settings.ts';
import type { ServiceManager } from './systemd/service-manager.ts';

export interface Supervision {
  readonly log: Logger;
  readonly serviceManager: ServiceManager;
  /** What the program was started with. */
  readonly started: SettingsResult;
  /** Reads the configuration anew. */
  readonly readSettings: () => SettingsResult;
}

/** Whatever changes the program comes one at a time. */
type Sequence = (step: () => Promise<void>) => void;

/** Resolves with the exit code once SIGTERM or SIGINT has drained the program; ends the process at once on a second one. */
export async function superviseProgram(program: Program, supervision: Supervision): Promise<ExitCode> {
  const { log, serviceManager } = supervision;
  const inSequence = oneAtATime(log);
  const requestReload = (): void => inSequence(() => reload(program, supervision, watch));
  const watch = new ConfigWatch(supervision.started, requestReload);
  process.on('SIGHUP', requestReload);
  process.on('SIGUSR2', () => reopenLog(log));
  // Without a listener Node.js opens its inspector, which is a door of its own.
  process.on('SIGUSR1', () => log.warn('SIGUSR1 is ignored; SIGHUP reloads, SIGTERM drains'));
  serviceManager.ready();
  await firstOf('SIGTERM', 'SIGINT');
  serviceManager.stopping();
  const drained = program.drain().then(() => EXIT.ok);
  const interrupted = firstOf('SIGTERM', 'SIGINT').then(() => EXIT.failure);
  const exitCode = await Promise.race([drained, interrupted]);
  log.info({ exit: exitCode }, exitCode === EXIT.ok ? 'drained' : 'ended at once by a second signal');
  await log.close();
  return exitCode;
}

/** All or nothing: a file with a problem changes nothing, and the log says where it is wrong. */
async function reload(program: Program, supervision: Supervision, watch: ConfigWatch): Promise<void> {
  const { log, readSettings, serviceManager } = supervision;
  serviceManager.reloading();
  watch.aboutToRead();
  const next = readSettings();
  const result = await program.reload(next);
  watch.wasRead(next, result);
  if (result.kind === 'reloaded') {
    for (const warning of result.warnings) log.warn({ detail: warning }, 'configuration warning');
    log.info('reloaded');
  } else {
    log.error({ problems: result.problems }, 'reload failed');
  }
  serviceManager.ready();
}

function oneAtATime(log: Logger): Sequence {
  let last = Promise.resolve();
  return (step) => {
    last = last.then(step).catch((cause: unknown) => log.error({ err: cause }, 'internal error'));
  };
}

/** The log goes on as it was when the file can't be opened. */
function reopenLog(log: Logger): void {
  try {
    log.reopen();
    log.info('log file reopened');
  } catch (cause) {
    log.error({ err: cause }, 'log.file could not be reopened; the old file stays open');
  }
}

/** Its listeners stay: with the last one gone, a signal right behind the first would end the process before it could drain. */
function firstOf(...signals: readonly NodeJS.Signals[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) process.on(signal, () => resolve());
  });
}
