/**
 * Refuses well-known programs in every way they meet, at a running Sallyport, and prints what each shows its user: a table in Markdown.
 * Everything is on loopback. A program that is not installed is named and left out.
 *
 * Ends with 1 where a program shows a status line of ours without its sentence.
 */
import { CLIENTS, type Client } from './clients.ts';
import { runProgram } from './program.ts';
import { REFUSALS, type Refusal } from './refusals.ts';
import { openStage, type Stage } from './stage.ts';
import { printHeading, printRow, readShown } from './table.ts';

await main();

async function main(): Promise<void> {
  const only = process.argv[2] ?? '';
  const stage = await openStage();
  let cut = 0;
  try {
    const said = await sayAll(stage);
    for (const client of CLIENTS.filter(({ name }) => name.includes(only))) cut += await askAll(client, stage, said);
  } finally {
    stage.close();
  }
  if (cut > 0) process.stderr.write(`clients: ${cut} status lines were shown without their sentence\n`);
  process.exitCode = cut > 0 ? 1 : 0;
}

type Said = ReadonlyMap<Refusal, string>;

/** What the doors say, word for word: the status line of each refusal that has one. */
async function sayAll(stage: Stage): Promise<Said> {
  const said = new Map<Refusal, string>();
  process.stdout.write('\n| refusal | asked for | the door says |\n| --- | --- | --- |\n');
  for (const refusal of REFUSALS) {
    const line = await stage.statusLine(refusal);
    said.set(refusal, line);
    process.stdout.write(`| ${refusal.name} | \`${stage.urlOf(refusal)}\` | \`${line || refusal.alert || ''}\` |\n`);
  }
  return said;
}

/** Returns how many status lines were cut. */
async function askAll(client: Client, stage: Stage, said: Said): Promise<number> {
  const version = (await runProgram(client.version, { folder: stage.folder })).split('\n')[0] ?? '';
  if (version === '') {
    process.stderr.write(`clients: SKIPPED: ${client.name} is not installed (${client.version.join(' ')})\n`);
    return 0;
  }
  if (client.prepare) await runProgram(client.prepare(stage.folder), { folder: stage.folder });
  printHeading(client.name, version);
  let cut = 0;
  for (const refusal of REFUSALS.filter(({ scheme }) => !client.isTlsAlone || scheme === 'https')) {
    const proxy = stage.proxyOf(refusal);
    const command = client.command({ url: stage.urlOf(refusal), proxy, folder: stage.folder });
    const output = await runProgram(command, { folder: stage.folder, proxy, hostsFile: stage.hostsFile });
    const shown = readShown(output, said.get(refusal) ?? '');
    printRow(refusal.name, shown);
    if (shown.shows === 'a status line without its sentence') cut += 1;
  }
  return cut;
}
