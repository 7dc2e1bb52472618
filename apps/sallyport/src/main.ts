/** The program. Read this first: the command line picks a command, a command answers with an exit code. */
import { checkCommand } from './commands/check.ts';
import { explainCommand } from './commands/explain.ts';
import { groupsCommand } from './commands/groups.ts';
import { initCommand } from './commands/init.ts';
import { learnCommand } from './commands/learn.ts';
import { runCommand } from './commands/run.ts';
import { schemaCommand } from './commands/schema.ts';
import { summaryCommand } from './commands/summary.ts';
import { topCommand } from './commands/top.ts';
import { type Command, helpOf, overview, readCommandLine } from './command-line.ts';
import { EXIT, type ExitCode, FatalError } from './exit.ts';
import { version, versionInFull } from './version.ts';

const commands: readonly Command[] = [
  initCommand,
  runCommand,
  checkCommand,
  explainCommand,
  learnCommand,
  summaryCommand,
  topCommand,
  groupsCommand,
  schemaCommand,
];

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<ExitCode> {
  try {
    const asked = readCommandLine(args, commands);
    switch (asked.kind) {
      case 'version':
        process.stdout.write(asked.isVerbose ? versionInFull() : `sallyport ${version()}\n`);
        return EXIT.ok;
      case 'help':
        process.stdout.write(asked.command ? helpOf(asked.command) : overview(commands));
        return EXIT.ok;
      case 'nothing':
        process.stderr.write(overview(commands));
        return EXIT.usage;
      case 'command':
        return await asked.command.execute(asked.options, asked.lists);
    }
  } catch (cause) {
    return reportFatal(cause);
  }
}

/** Prints the error with its remedy, never a stack trace: one line, or one for each problem of a configuration. */
function reportFatal(cause: unknown): ExitCode {
  if (cause instanceof FatalError) {
    process.stderr.write(`sallyport: ${cause.message}\n`);
    return cause.exitCode;
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  process.stderr.write(`sallyport: ${message.replaceAll('\n', ' ')}\n`);
  return EXIT.failure;
}
