import { configJsonSchema } from '@sallyport/config';
import { logLineSchema } from '@sallyport/telemetry';
import type { Command, OptionValues } from '../command-line.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { print } from '../print.ts';

export const schemaCommand: Command = {
  name: 'schema',
  summary: "Prints the configuration's JSON Schema, for editors; or that of a log line.",
  details: 'An editor finds it by a first line such as\n  # yaml-language-server: $schema=sallyport.schema.json',
  options: { log: { about: 'the schema of a line of the log, in the format json', isRequired: false } },
  execute: printSchema,
};

async function printSchema({ log }: OptionValues): Promise<ExitCode> {
  const schema = log === undefined ? configJsonSchema() : logLineSchema();
  await print(`${JSON.stringify(schema, null, 2)}\n`);
  return EXIT.ok;
}
