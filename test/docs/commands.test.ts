/** Every command of the documents is run as it stands, on a network of its own, or is named here with what keeps it from that. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sallyport } from '../e2e/harness/sallyport.ts';
import { type Block, blocksOf, type Command, commandsOf, documents, root } from './documents.ts';
import { openStage, type Stage, whyNoStage } from './stage.ts';

/** By how they begin. */
const NOT_RUN: readonly (readonly [command: string, why: string])[] = [
  ['apt install ./sallyport_', 'test/packages installs the package'],
  ['systemctl reload sallyport', 'needs a running systemd'],
  ['npm install --global ./sallyport-', 'test/packages installs the package'],
  ['sallyport run --config "$(npm root --global)', 'test/packages runs what is installed'],
  ['npx --package ./sallyport-', 'test/packages runs the package so'],
  ['docker load ', 'needs Docker; test/packages runs the image'],
  ['docker run ', 'needs Docker; test/packages runs the image'],
  ['docker logs ', 'needs Docker; test/cli/learn.test.ts reads standard input'],
  ['journalctl ', 'needs a journal; test/cli/learn.test.ts reads standard input'],
  ['npm test', 'runs this test'],
  ['htpasswd ', 'asks for the password at a terminal'],
  ['ln -sfn /opt/', 'changes /opt of this machine'],
  ['kill -USR1 "$PID"', 'test/e2e/takeover.test.ts sends it'],
];

/** Where the document says that a command fails. 22 is curl's code for an answer that is an error, which is asked of it here. */
const FAILS: readonly { readonly ending: string; readonly code: number; readonly prints: string }[] = [
  { ending: 'https://example.com:22/', code: 22, prints: '403 Forbidden (No rule allows example.com:22' },
];

const blocks = documents.flatMap((document) => blocksOf(document));
const commands = blocks.flatMap(commandsOf);
const obstacle = whyNoStage();
if (obstacle !== undefined) console.warn(`SKIPPED: no command of the documents is run here: ${obstacle}`);

function whyNotRun({ text }: Command): string | undefined {
  return NOT_RUN.find(([command]) => text.startsWith(command))?.[1];
}

describe('the blocks of the documents', () => {
  it('are of the languages that tests read', () => {
    expect([...new Set(blocks.map(({ language }) => language))].sort()).toEqual(['', 'json', 'sh', 'yaml']);
  });

  it('are called sh where they hold commands', () => {
    const isCommand = /^(?:npx |npm |curl |sallyport )/m;
    expect(blocks.filter(({ language, text }) => language === '' && isCommand.test(text))).toEqual([]);
  });

  it('hold each command that is named as not run', () => {
    const unknown = NOT_RUN.filter(([command]) => !commands.some(({ text }) => text.startsWith(command)));
    expect(unknown).toEqual([]);
  });
});

const plays = documents
  .map((document) => ({ document, own: blocksOf(document) }))
  .map(({ document, own }) => ({ document, own, steps: own.flatMap(stepsOf) }))
  .filter(({ steps }) => steps.length > 0);

function stepsOf(block: Block): readonly (Command & { readonly block: Block })[] {
  return commandsOf(block)
    .filter((command) => whyNotRun(command) === undefined)
    .map((command) => ({ ...command, block }));
}

describe.skipIf(obstacle !== undefined).each(plays)('the commands of $document', ({ own, steps }) => {
  let stage: Stage;
  let served: Block | undefined;
  beforeAll(async () => {
    stage = await openStage(['example.com', 'registry.example.com']);
    layExamples(stage.folder);
  });
  afterAll(() => stage.close());

  it.each(steps)('$place: $text', { timeout: 60_000 }, async ({ text, output, block }) => {
    if (/\brun --config |^npm start\b/.test(text)) {
      await stage.serve(text);
      served = block;
      return;
    }
    const configuration = configurationAhead(own, block, served);
    if (text.startsWith('curl ') && configuration) {
      writeFileSync(join(stage.folder, 'above.yaml'), forClient(text, configuration.text));
      await stage.serve('npx sallyport run --config above.yaml');
    }
    const ended = await stage.run(text);
    const failure = FAILS.find(({ ending }) => text.endsWith(ending));
    expect(ended).toMatchObject({
      code: failure?.code ?? 0,
      stderr: expect.stringContaining(failure?.prints ?? '') as string,
    });
    if (output !== undefined) expect(ended.stdout).toBe(output);
  });
});

/** A client's command below a whole configuration is a client of that configuration, unless another is served since. */
function configurationAhead(own: readonly Block[], block: Block, served: Block | undefined): Block | undefined {
  const since = own.slice(served ? own.indexOf(served) : 0, own.indexOf(block));
  return since.findLast(({ language, text }) => language === 'yaml' && text.startsWith('listeners:'));
}

/** A command with a certificate of the client's asks for `client_ca`, which the configuration above it has in a comment. */
function forClient(command: string, configuration: string): string {
  if (!command.includes('--proxy-cert ')) return configuration;
  return configuration
    .replace('key: proxy.key }', 'key: proxy.key, client_ca: clients-ca.crt }')
    .replace(/^ *auth: .*\n/m, '');
}

/** Files that commands read, and that their readers have: users, and an access log with the line that OPERATING.md shows. */
function layExamples(folder: string): void {
  writeFileSync(join(folder, 'users.htpasswd'), `ci:${hashSync('secret', 4)}\n`, { mode: 0o600 });
  const line: unknown = JSON.parse(blocksOf('OPERATING.md').find(({ language }) => language === 'json')?.text ?? '');
  writeFileSync(join(folder, 'access.log'), `${JSON.stringify(line)}\n`);
}

describe('the options that the documents name', () => {
  const named = new Map<string, Set<string>>();
  for (const document of documents) {
    const text = readFileSync(join(root, document), 'utf8');
    for (const [, command = '', words = ''] of text.matchAll(/\bsallyport ([a-z]+)((?: [^\n`#&]+)?)/g)) {
      const options = words.replace(/"\$\(.*/, '').match(/(?<![\w-])--[a-z]+/g) ?? [];
      if (options.length > 0) named.set(command, new Set([...(named.get(command) ?? []), ...options]));
    }
  }

  it.each([...named])('are options of sallyport %s', async (command, options) => {
    const { code, stdout } = await sallyport([command, '--help']);
    expect(code).toBe(0);
    expect([...options].filter((option) => !stdout.includes(`  ${option} `))).toEqual([]);
  });
});
