import { createLogger, type Logger } from '@sallyport/telemetry';
import { banner } from '../banner.ts';
import { CONFIG_OPTION, type Command, type OptionValues } from '../command-line.ts';
import { ConfigWatch } from '../config-watch.ts';
import { EarlySignals, EndedEarly, readEndably } from '../early-signals.ts';
import { EXIT, type ExitCode, FatalError, messageOf } from '../exit.ts';
import { explainLogError } from '../log-errors.ts';
import { forbidGainingPrivileges, warnOfUnreadable } from '../privileges.ts';
import { printError } from '../print.ts';
import { type Program, startProgram } from '../program.ts';
import { PolicyCompiler } from '../policy-compiler.ts';
import { readSettings, readSettingsInSteps, type Settings, type SettingsResult } from '../settings.ts';
import { type Supervision, superviseProgram } from '../signals.ts';
import { InheritedSockets, readPassedSockets } from '../sockets/inherited-sockets.ts';
import { findServiceManager } from '../systemd/service-manager.ts';
import { readSuccession } from '../takeover/succession.ts';

export const runCommand: Command = {
  name: 'run',
  summary: 'Runs the proxy until SIGTERM or SIGINT.',
  details: `Signals:
  SIGTERM, SIGINT  drain, then exit 0; a second one ends at once with exit 1
  SIGHUP           reload the configuration; an invalid one changes nothing
  SIGUSR1          start a successor at the same sockets; once it is ready, drain
  SIGUSR2          reopen log.file`,
  options: { config: { ...CONFIG_OPTION, isReplaceable: true } },
  execute: run,
};

async function run({ config: file = '' }: OptionValues): Promise<ExitCode> {
  const signals = new EarlySignals();
  const succession = readSuccession(process.env);
  const inherited = new InheritedSockets(succession?.sockets ?? readPassedSockets(process.env, process.pid));
  try {
    const supervised = await start(file, inherited, signals);
    const ended = superviseProgram(supervised.program, supervised).catch((cause: unknown) =>
      endBy(cause, supervised.log),
    );
    signals.release();
    succession?.answer({ kind: 'ready' });
    // After a drain, or a second signal, nothing that is still open may keep the process alive.
    process.exit(await ended);
  } catch (cause) {
    succession?.answer({ kind: 'failed', why: messageOf(cause) });
    if (cause instanceof EndedEarly) process.exit(EXIT.ok);
    throw cause;
  }
}

async function start(
  file: string,
  inherited: InheritedSockets,
  { ended }: EarlySignals,
): Promise<Supervision & { readonly program: Program }> {
  const compiler = new PolicyCompiler();
  const started = readEndably(file, () => readSettings(file, process.env, { compiler }));
  const settings = requireValid(started);
  const watch = new ConfigWatch(started, () => process.emit('SIGHUP', 'SIGHUP'));
  const log = openLog(settings);
  for (const warning of settings.warnings) log.warn({ detail: warning }, 'configuration warning');
  const { user } = settings.config.runtime;
  if (user !== null) forbidGainingPrivileges(log);
  endOnUncaught(log);
  const program = await startProgram(settings, log, inherited, ended).catch(async (cause: unknown) => {
    if (cause instanceof EndedEarly) {
      log.info({ exit: EXIT.ok }, 'ended before it was ready');
      await log.close();
    }
    throw cause instanceof FatalError
      ? new FatalError(cause.lines.map(settings.asWritten), cause.exitCode, cause.cause)
      : cause;
  });
  if (process.stdout.isTTY && process.stderr.isTTY) await printError(banner(file, settings.config, program));
  if (user !== null) warnOfUnreadable(user, readSettings(file, process.env, { isReload: true, compiler }), log);
  return {
    program,
    log,
    watch,
    serviceManager: findServiceManager(process.env, log),
    readSettings: () => readSettingsInSteps(file, process.env, { isReload: true, compiler }),
    inheritedCount: inherited.count,
  };
}

/** After an uncaught error the state is unknown: the process ends, so that its supervisor starts another. */
function endOnUncaught(log: Logger): void {
  process.on('uncaughtException', (cause) => void endBy(cause, log).then((exitCode) => process.exit(exitCode)));
}

async function endBy(cause: unknown, log: Logger): Promise<ExitCode> {
  log.fatal({ err: cause, exit: EXIT.failure }, 'uncaught error');
  await log.close();
  return EXIT.failure;
}

function requireValid(result: SettingsResult): Settings {
  if (result.kind === 'ok') return result.settings;
  // Its first line will have the program's name before it; the others are as `sallyport check` prints them.
  throw new FatalError(result.problems, EXIT.usage);
}

function openLog({ logOptions, asWritten }: Settings): Logger {
  try {
    return createLogger(logOptions);
  } catch (cause) {
    throw new FatalError(asWritten(explainLogError(cause)), EXIT.failure, cause);
  }
}
