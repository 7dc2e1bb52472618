/** From a log to a list: what `learn` proposes holds for the log that it was learned from. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseIp } from '@sallyport/addresses';
import { type Destination, compilePolicy, decide, parseDestination } from '@sallyport/policy';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { BINARY, sallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-learn-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Fields = Readonly<Record<string, unknown>>;

function line(fields: Fields): string {
  return JSON.stringify({
    level: 'info',
    time: '2026-11-23T12:00:00.000Z',
    id: 't6x8zr-1',
    listener: 'explicit',
    client: '10.0.0.7',
    port: 443,
    rule: 'default',
    decision: 'report',
    outcome: 'ok',
    reason: 'client_closed',
    msg: 'tunnel',
    ...fields,
  });
}

function log(name: string, lines: readonly Fields[]): string {
  const file = join(folder, name);
  writeFileSync(file, lines.map((fields) => `${line(fields)}\n`).join(''));
  return file;
}

async function learn(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await sallyport(['learn', ...args]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

interface Rule {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly ports: readonly number[];
  readonly users?: readonly string[];
  readonly clients?: readonly string[];
  readonly listeners?: readonly string[];
}

function rulesOf(yaml: string): readonly Rule[] {
  return (parse(yaml) as { policy: { rules: Rule[] } }).policy.rules; // As learn prints it.
}

describe('sallyport learn', () => {
  it('proposes each name at its ports, with how often, by whom and when', async () => {
    const file = log('simple.log', [
      { host: 'registry.example.com' },
      { host: 'registry.example.com', client: '10.0.0.8', time: '2026-11-25T01:00:00.000Z', decision: 'allow' },
      { host: 'git.example.com', port: 22, user: 'ci' },
    ]);
    const yaml = await learn('--log', file);
    expect(yaml).toContain(
      '- "registry.example.com" # 2 times by 10.0.0.7, 10.0.0.8, 2026-11-23 to 2026-11-25; denied or reported once',
    );
    expect(rulesOf(yaml)).toEqual([
      {
        name: 'learned-22',
        action: 'allow',
        clients: ['loopback', 'private'],
        ports: [22],
        hosts: ['git.example.com'],
      },
      {
        name: 'learned',
        action: 'allow',
        clients: ['loopback', 'private'],
        ports: [443],
        hosts: ['registry.example.com'],
      },
    ]);
  });

  it('writes names of users as they are, those too that look like variables', async () => {
    const users = ['${HOME}', '$${HOME}', '"quoted" # no comment', 'yes', '\u202euser', 'x'.repeat(150)];
    const entries = users.map((user, at) => ({ host: `h${at}.example`, user }));
    const yaml = await learn('--by', 'user', '--log', log('users.log', entries));
    expect(yaml).not.toContain('\u202e');
    const file = join(folder, 'users.yaml');
    // In the file, $${ stands for ${ itself.
    const tests = entries.map(({ host, user }) => {
      const test = { client: '10.0.0.7', user: user.replaceAll('${', () => '$${'), to: `${host}:443`, expect: 'allow' };
      return `  - ${JSON.stringify(test)}\n`;
    });
    const door = 'listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0" }]\n';
    writeFileSync(file, `${door}${yaml}tests:\n${tests.join('')}`);
    const { code, stdout } = await sallyport(['check', '--config', file]);
    expect(stdout).toContain('tests: 6 passed');
    expect(code).toBe(0);
  });

  it('puts rules for whoever has no name last, where they make no other without effect', async () => {
    const yaml = await learn(
      '--by',
      'user',
      '--log',
      log('nameless.log', [{ host: 'a.example.com' }, { host: 'a.example.com', user: 'ci' }]),
    );
    expect(rulesOf(yaml).map(({ name, users }) => [name, users])).toEqual([
      ['learned-ci', ['ci']],
      ['learned', undefined],
    ]);
    const file = join(folder, 'nameless.yaml');
    const door = 'listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0" }]\n';
    writeFileSync(file, `${door}dns: { hosts: { a.example.com: ["8.8.8.8"] } }\n${yaml}`);
    expect((await sallyport(['check', '--config', file])).stderr).not.toContain('makes no difference');
  });

  it('proposes public addresses as networks, beside the names of their ports', async () => {
    const file = log('addresses.log', [
      { host: '8.8.8.8' },
      { host: '2606:4700::1111', port: 853, decision: 'deny', reason: 'policy' },
      { host: 'a.example.com' },
      { host: 'b.example.com' },
    ]);
    const yaml = await learn('--log', file, '--fold', '2');
    expect(yaml).toContain('- "8.8.8.8" # once by 10.0.0.7, 2026-11-23');
    const rule = { action: 'allow', clients: ['loopback', 'private'] };
    expect(rulesOf(yaml)).toEqual([
      { ...rule, name: 'learned', ports: [443], hosts: ['*.example.com'], networks: ['8.8.8.8'] },
      { ...rule, name: 'learned-853', ports: [853], networks: ['2606:4700::1111'] },
    ]);
    expect(yaml).not.toContain('not proposed');
    const checked = join(folder, 'addresses.yaml');
    const tests = ['8.8.8.8:443', '[2606:4700::1111]:853'].map(
      (to) => `  - { client: 10.0.0.7, to: "${to}", expect: allow }\n`,
    );
    const door = 'listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0" }]\n';
    writeFileSync(checked, `${door}${yaml}tests:\n${tests.join('')}`);
    expect((await sallyport(['check', '--config', checked])).stdout).toContain('tests: 2 passed');
  });

  it('never proposes special addresses, what leads to them, or metadata services, and lists them', async () => {
    const yaml = await learn(
      '--log',
      log('private.log', [
        { host: '10.1.2.3' },
        { host: '169.254.169.254', port: 80 },
        { host: '2001:db8::1' },
        { host: '64:ff9b::a9fe:a9fe' },
        { host: 'metadata.google.internal', port: 80 },
        { host: 'intranet.example.com', decision: 'deny', reason: 'address' },
        { host: 'us.example.com', decision: 'deny', reason: 'loop' },
      ]),
    );
    expect(rulesOf(yaml)).toEqual([]);
    expect(yaml).toContain('#   10.1.2.3:443: an address for special use, private use (RFC 1918); once by 10.0.0.7');
    expect(yaml).toContain('#   169.254.169.254:80: an address for special use, link local');
    expect(yaml).toContain('#   [2001:db8::1]:443: an address for special use');
    expect(yaml).toContain(
      '#   [64:ff9b::a9fe:a9fe]:443: an address for special use, for it contains 169.254.169.254, link local (RFC 3927); once',
    );
    expect(yaml).toContain("#   metadata.google.internal:80: a cloud's metadata service");
    expect(yaml).toContain('#   intranet.example.com:443: a name with no address that may be dialled');
    expect(yaml).toContain('#   us.example.com:443: a name with no address that may be dialled');
  });

  it.each([
    ['user', { users: ['ci', 'dev'] }],
    ['client', { clients: ['10.0.0.7', '10.0.0.8'] }],
    ['listener', { listeners: ['explicit', 'transparent'] }],
  ])('makes rules for each %s, those that are alike one rule', async (by, groups) => {
    const yaml = await learn(
      '--by',
      by,
      '--log',
      log(`by-${by}.log`, [
        { host: 'a.example.com', user: 'ci', client: '10.0.0.7', listener: 'explicit' },
        { host: 'a.example.com', user: 'dev', client: '10.0.0.8', listener: 'transparent' },
      ]),
    );
    expect(rulesOf(yaml)).toHaveLength(1);
    expect(rulesOf(yaml)[0]).toMatchObject({ ...groups, hosts: ['a.example.com'] });
  });

  it('folds where asked, and never at or above a public suffix', async () => {
    const names = ['a', 'b', 'c'].flatMap((label) => [
      `${label}.cdn.example.com`,
      `${label}.github.io`,
      `${label}.co.uk`,
      `${label}.s3.amazonaws.com`,
    ]);
    const file = log(
      'fold.log',
      names.map((host) => ({ host })),
    );
    const folded = rulesOf(await learn('--log', file, '--fold', '3'))[0]?.hosts ?? [];
    expect(folded).toContain('*.cdn.example.com');
    expect(folded.filter((pattern) => pattern.startsWith('*.'))).toEqual(['*.cdn.example.com']);
    expect(rulesOf(await learn('--log', file))[0]?.hosts).toHaveLength(names.length);
  });

  it('reads gzip, several files and standard input, and skips what is no line of a tunnel', async () => {
    const zipped = join(folder, 'rotated.log.1.gz');
    writeFileSync(zipped, gzipSync(`${line({ host: 'zipped.example.com' })}\n{"msg":"ready"}\nno JSON\n`));
    const plain = log('plain.log', [{ host: 'plain.example.com' }, { host: 'no decision', decision: undefined }]);
    const child = spawn(process.execPath, [BINARY, 'learn', '--log', zipped, plain, '-']);
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stdin.end(`${line({ host: 'piped.example.com' })}\n`);
    await once(child, 'close');
    expect(rulesOf(stdout)[0]?.hosts).toEqual(['piped.example.com', 'plain.example.com', 'zipped.example.com']);
  });

  it.each([
    ['the journal', 'Nov 23 12:00:00 gateway sallyport[4711]: '],
    ['the log of a container', '2026-11-23T12:00:00.000000000Z stdout F '],
    ['a collector of syslog', '<134>1 2026-11-23T12:00:00.000Z gateway sallyport 4711 - [meta sequenceId="7"] '],
    ['an editor that saves with a byte order mark', '\uFEFF'],
  ])('reads lines behind what %s puts before them', async (_, before) => {
    const file = join(folder, 'before.log');
    writeFileSync(file, `${before}${line({ host: 'a.example.com' })}\n`);
    expect(rulesOf(await learn('--log', file))[0]?.hosts).toEqual(['a.example.com']);
  });

  it.each([
    ['is cut short', (zipped: Buffer) => zipped.subarray(0, -12), 'ends within its gzip data'],
    ['is damaged', (zipped: Buffer) => Buffer.concat([zipped, Buffer.from('more')]), 'is damaged gzip data'],
  ])('says of gzip that it %s, and how to read the rest', async (_, spoil, message) => {
    const file = join(folder, 'spoilt.log.gz');
    writeFileSync(file, spoil(gzipSync(`${line({ host: 'a.example.com' })}\n`.repeat(100))));
    const { code, stderr } = await sallyport(['learn', '--log', file]);
    expect(stderr).toBe(`sallyport: ${file} ${message}; to read what there is: zcat ${file} | sallyport … --log -\n`);
    expect(code).toBe(1);
  });

  it('reads standard input once, and says so where it is named twice', async () => {
    const { code, stderr } = await sallyport(['learn', '--log', '-', '--log', '-']);
    expect(stderr).toBe('sallyport: --log - is given twice; standard input can be read once\n');
    expect(code).toBe(2);
  });

  it('warns of a file without a decision beside others', async () => {
    const foreign = join(folder, 'squid.log');
    writeFileSync(
      foreign,
      '1699000000.123 100 10.0.0.5 TCP_TUNNEL/200 4567 CONNECT www.test:443 - HIER_DIRECT/192.0.2.1 -\n',
    );
    const { code, stdout, stderr } = await sallyport([
      'learn',
      '--log',
      foreign,
      log('ours.log', [{ host: 'a.example.com' }]),
    ]);
    expect(rulesOf(stdout)[0]?.hosts).toEqual(['a.example.com']);
    expect(stderr).toMatch(/^warning: \S+squid\.log holds no line that says what the policy decided/);
    expect(code).toBe(0);
  });

  it.each(['learn', 'summary'])('%s takes the log of a proxy that nobody has used', async (command) => {
    const quiet = join(folder, 'quiet.log');
    writeFileSync(quiet, '{"level":"info","time":"2026-11-30T12:00:00.000Z","seq":1,"msg":"ready"}\n');
    const { code, stdout, stderr } = await sallyport([command, '--log', quiet]);
    expect(stdout).toContain(command === 'learn' ? '# Learned from 0 of 1 lines.' : '0 allowed, 0 denied');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('lets nothing that a client chose out of its comment', async () => {
    const yaml = await learn('--log', log('forged.log', [{ host: 'a.example.com', user: 'x\n- action: allow\u2028' }]));
    expect(rulesOf(yaml)).toHaveLength(1);
    expect(yaml).toContain('by x\\u000a- action: allow\\u2028');
  });

  // Root may read any file, unless it has given that up.
  const isRoot = process.getuid?.() === 0;
  const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
  it.skipIf(isRoot && !has('setpriv'))('says that a file may not be read, and what to do', () => {
    const file = join(folder, 'unreadable.log');
    writeFileSync(file, '', { mode: 0 });
    const under = isRoot ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] : [];
    const [program, ...args] = [...under, process.execPath, BINARY, 'learn', '--log', file];
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `sallyport: ${file} may not be read by this user; change its rights or the user\n`,
    });
  });

  it.each([
    [
      'a file that is not there',
      ['--log', '/nonexistent'],
      1,
      '/nonexistent: no such file; name an access log, or - for standard input',
    ],
    ['a folder', ['--log', folder], 1, `${folder} is a directory; name an access log, or - for standard input`],
    ['a file that is no log', ['--log', BINARY], 1, 'holds no line that says what the policy decided'],
    [
      '--by with a word of ours',
      ['--log', '-', '--by', 'nothing'],
      2,
      '--by nothing is none of user, client, listener',
    ],
    ['--by with another word', ['--log', '-', '--by', 'host'], 2, '--by host is none of user, client, listener'],
    ['--fold with no number', ['--log', '-', '--fold', '1'], 2, '--fold 1 is no number of 2 or more'],
    ['no log', [], 2, 'needs --log FILE'],
  ])('says what is wrong with %s', async (_, args, exitCode, message) => {
    const { code, stderr } = await sallyport(['learn', ...args]);
    expect(stderr).toContain(message);
    expect(code).toBe(exitCode);
  });

  it('takes a million lines; its output passes check, and denies nothing of the log', async () => {
    const file = join(folder, 'million.log');
    const entries = Array.from({ length: 2000 }, (_, at) => ({
      host: `h${at}.svc${at % 40}.example${at % 90}.com`,
      port: at % 7 === 0 ? 8443 : 443,
      client: `10.0.${at % 50}.${at % 200}`,
      ...(at % 3 === 0 && { user: `user-${at % 5}` }),
    }));
    const block = entries.map((fields) => `${line(fields)}\n`).join('');
    writeFileSync(file, '');
    for (let part = 0; part < 500; part += 100) writeFileSync(file, block.repeat(100), { flag: 'a' });

    const yardstick = secondsToParse(block, 500);
    const startedAt = performance.now();
    const yaml = await learn('--log', file);
    const seconds = (performance.now() - startedAt) / 1000;
    // Ten seconds on a machine of its own; other tests run beside this one, and the machine may be a slow one.
    expect(seconds).toBeLessThan(Math.max(40, 20 * yardstick));
    expect(yaml).toContain('# Learned from 1000000 of 1000000 lines.');

    const configFile = join(folder, 'learned.yaml');
    writeFileSync(configFile, `listeners: [{ name: explicit, mode: connect, bind: "127.0.0.1:0" }]\n${yaml}`);
    const { code, stderr } = await sallyport(['check', '--config', configFile]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const denied = entries.filter((entry) => decisionOf(readFileSync(configFile, 'utf8'), entry) !== 'allow');
    expect(denied).toEqual([]);
  }, 240_000);
});

describe('a log that names 300,000 hosts', () => {
  it('is learned from in little memory', async () => {
    const child = spawn(process.execPath, ['--import', PEAK_MEMORY, BINARY, 'learn', '--log', '-']);
    let [length, stderr] = [0, ''];
    child.stdout.on('data', (chunk: Buffer) => (length += chunk.length));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = once(child, 'close');
    for (let part = 0; part < 30; part++) {
      const hosts = Array.from({ length: 10_000 }, (_, at) => `host-${part * 10_000 + at}.zone-${at % 1000}.example`);
      const text = hosts.map((host, at) => `${line({ host, client: `10.0.${at % 7}.${at % 250}` })}\n`).join('');
      if (!child.stdin.write(text)) await once(child.stdin, 'drain');
    }
    child.stdin.end();
    await ended;
    expect(length).toBeGreaterThan(18_000_000);
    // Some 150 MiB, and 270 with a million of them.
    expect(Number(/peak (\d+) KiB/.exec(stderr)?.[1])).toBeLessThan(210 * 1024);
  }, 120_000);
});

/** Has the program tell at its end how much memory it had at most. */
const PEAK_MEMORY = `data:text/javascript,${encodeURIComponent(
  "process.on('exit', () => process.stderr.write(`peak ${process.resourceUsage().maxRSS} KiB`))",
)}`;

const compiled = new Map<string, ReturnType<typeof compilePolicy>['policy']>();

function decisionOf(yaml: string, { host, port, client }: { host: string; port: number; client: string }): string {
  const policy = compiled.get(yaml) ?? compileText(yaml);
  compiled.set(yaml, policy);
  const ip = parseIp(client);
  const destination = parseDestination(host, port);
  if (!ip || destination.kind === 'malformed') throw new Error('the test asks for nonsense');
  return decide(policy, { client: ip, listener: 'explicit', destination: destination satisfies Destination }).decision;
}

function compileText(yaml: string): ReturnType<typeof compilePolicy>['policy'] {
  const rules = rulesOf(yaml).map((rule) => ({
    ...rule,
    action: 'allow' as const,
    ports: rule.ports.map((port) => ({ from: port, to: port })),
  }));
  const destinations = { deny: ['special'], allow: [] };
  return compilePolicy({ report_only: false, default: 'deny', hints: [], destinations, rules }).policy;
}

/** What this machine takes to parse the lines, as it is now. */
function secondsToParse(block: string, times: number): number {
  const startedAt = performance.now();
  for (let at = 0; at < times; at++) for (const text of block.trimEnd().split('\n')) JSON.parse(text);
  return (performance.now() - startedAt) / 1000;
}
