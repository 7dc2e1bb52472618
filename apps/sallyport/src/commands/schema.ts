import { configJsonSchema } from '@sallyport/config';
import type { Command } from '../command-line.ts';
import { EXIT, type ExitCode } from '../exit.ts';

export const schemaCommand: Command = {
  name: 'schema',
  summary: "Prints the configuration's JSON Schema, for editors.",
  details: 'An editor finds it by a first line such as\n  # yaml-language-server: $schema=sallyport.schema.json',
  options: {},
  execute: printSchema,
};

function printSchema(): Promise<ExitCode> {
  process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return Promise.resolve(EXIT.ok);
}
