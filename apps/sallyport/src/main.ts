/** The program. Read this first: the command line picks a command, a command answers with an exit code. */
import { createRequire } from 'node:module';
import { asksForVersion, type Command, helpOf, overview, readCommandLine } from './command-line.ts';
import { EXIT, type ExitCode, FatalError, messageOf } from './exit.ts';
import { inOneLine, print, printError } from './print.ts';
import { version } from './version.ts';

/** In the order of the overview. A command that is not asked for is not loaded, which would take most of the time of a short one. */
const commands: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['init', async () => (await import('./commands/init.ts')).initCommand],
  ['run', async () => (await import('./commands/run.ts')).runCommand],
  ['check', async () => (await import('./commands/check.ts')).checkCommand],
  ['explain', async () => (await import('./commands/explain.ts')).explainCommand],
  ['learn', async () => (await import('./commands/learn.ts')).learnCommand],
  ['summary', async () => (await import('./commands/summary.ts')).summaryCommand],
  ['top', async () => (await import('./commands/top.ts')).topCommand],
  ['groups', async () => (await import('./commands/groups.ts')).groupsCommand],
  ['schema', async () => (await import('./commands/schema.ts')).schemaCommand],
]);

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<ExitCode> {
  try {
    const loaded = await loadCommands(args);
    const asked = await readCommandLine(args, loaded);
    switch (asked.kind) {
      case 'version':
        await print(asked.isVerbose ? await versionInFull() : `sallyport ${version()}\n`);
        return EXIT.ok;
      case 'help':
        await print(asked.command ? helpOf(asked.command) : overview(loaded));
        return EXIT.ok;
      case 'nothing':
        await printError(overview(loaded));
        return EXIT.usage;
      case 'command':
        return await asked.command.execute(asked.options, asked.lists);
    }
  } catch (cause) {
    return await reportFatal(cause);
  }
}

/** The command that is named, or all: for the overview, and for the list of those that there are. The version needs none. */
async function loadCommands(args: readonly string[]): Promise<readonly Command[]> {
  if (asksForVersion(args)) return [];
  const [first = ''] = args;
  const asked = [...commands].filter(([name]) => name === first || !commands.has(first));
  return Promise.all(
    asked.map(([name, load]) => {
      requireFirst(`./commands/${name}.js`);
      return load();
    }),
  );
}

/**
 * Loads a module in one go, with no promise for each module that it imports. `import` then finds all of them loaded. In Node.js 20 this
 * takes a quarter less CPU; later ones import in the same way. Those without it (21, and 22 before 22.12) load it when it is imported.
 */
function requireFirst(file: string): void {
  if (process.features.require_module) createRequire(import.meta.url)(file);
}

async function versionInFull(): Promise<string> {
  const loaded = await import('./version-in-full.ts');
  return loaded.versionInFull();
}

/** Prints the error with its remedy, never a stack trace: one line, or one for each problem of a configuration. */
async function reportFatal(cause: unknown): Promise<ExitCode> {
  const lines = cause instanceof FatalError ? cause.lines : [messageOf(cause)];
  const told = await Promise.all(lines.map(inOneLine));
  await printError(`sallyport: ${told.join('\n')}\n`);
  return cause instanceof FatalError ? cause.exitCode : EXIT.failure;
}
