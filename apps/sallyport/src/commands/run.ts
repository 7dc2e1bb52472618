import { createLogger, type Logger } from '@sallyport/telemetry';
import { banner } from '../banner.ts';
import { CONFIG_OPTION, type Command, type OptionValues } from '../command-line.ts';
import { EXIT, type ExitCode, FatalError } from '../exit.ts';
import { explainLogError } from '../log-errors.ts';
import { forbidGainingPrivileges, warnOfUnreadable } from '../privileges.ts';
import { startProgram } from '../program.ts';
import { readSettings, type Settings, type SettingsResult } from '../settings.ts';
import { superviseProgram } from '../signals.ts';
import { findServiceManager } from '../systemd/service-manager.ts';

export const runCommand: Command = {
  name: 'run',
  summary: 'Runs the proxy until SIGTERM or SIGINT.',
  details: `Signals:
  SIGTERM, SIGINT  drain, then exit 0; a second one ends at once with exit 1
  SIGHUP           reload the configuration; an invalid one changes nothing
  SIGUSR2          reopen log.file`,
  options: { config: CONFIG_OPTION },
  execute: run,
};

/** Ends the process itself: after a drain, or a second signal, nothing that is still open may hold it. */
async function run({ config: file = '' }: OptionValues): Promise<ExitCode> {
  const started = readSettings(file, process.env);
  const settings = requireValid(started);
  const log = openLog(settings);
  for (const warning of settings.warnings) log.warn({ detail: warning }, 'configuration warning');
  const { user } = settings.config.runtime;
  if (user !== null) forbidGainingPrivileges(log);
  const program = await startProgram(settings, log).catch((cause: unknown) => {
    throw cause instanceof FatalError
      ? new FatalError(settings.asWritten(cause.message), cause.exitCode, cause.cause)
      : cause;
  });
  if (process.stdout.isTTY && process.stderr.isTTY) process.stderr.write(banner(file, settings.config, program));
  if (user !== null) warnOfUnreadable(user, readSettings(file, process.env), log);
  const supervision = {
    log,
    started,
    serviceManager: findServiceManager(process.env, log),
    readSettings: () => readSettings(file, process.env),
  };
  process.exit(await superviseProgram(program, supervision));
}

function requireValid(result: SettingsResult): Settings {
  if (result.kind === 'ok') return result.settings;
  const [first = '', ...others] = result.problems;
  // The first line carries the program's name; the rest stand as `sallyport check` prints them.
  throw new FatalError([first, ...others].join('\n'), EXIT.usage);
}

function openLog({ config: { log }, asWritten }: Settings): Logger {
  try {
    return createLogger(log);
  } catch (cause) {
    throw new FatalError(asWritten(explainLogError(cause)), EXIT.failure, cause);
  }
}
