/** What `check` warns of, beside what can never match; and how a warning is silenced where it stands. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-lint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The warnings of a policy, without the file's name. */
async function warningsOf(policy: string): Promise<readonly string[]> {
  const file = join(folder, 'sallyport.yaml');
  const dns =
    'dns: { servers: ["127.0.0.1:9"], timeout: 200ms, hosts: { intranet.example: [10.1.2.3], mixed.example: [10.1.2.3, 8.8.8.8] } }';
  writeFileSync(file, `listeners: [{ name: explicit, mode: connect, bind: "127.0.0.1:0" }]\n${dns}\n${policy}`);
  const { stderr, code } = await sallyport(['check', '--config', file]);
  expect(code).toBe(0);
  return stderr
    .split('\n')
    .filter((line) => line.startsWith(file))
    .map((line) => line.replace(`${file}:`, ''));
}

function rule(rest: string): string {
  return `policy:\n  rules:\n    - { name: r, action: allow, ${rest} }\n`;
}

describe('check warns', () => {
  it.each([
    ['hosts: ["*.com"]', '*.com holds names that strangers can have; list the names below it that are meant'],
    ['hosts: ["*.co.uk"]', '*.co.uk holds names that strangers can have'],
    ['hosts: ["*.github.io"]', '*.github.io holds names that strangers can have'],
    ['hosts: ["*.amazonaws.com"]', '*.amazonaws.com holds names that strangers can have'],
    ['hosts: ["pastebin.com"]', 'pastebin.com takes uploads from whoever has an account there'],
    ['hosts: ["*.telegram.org"]', 'api.telegram.org takes uploads from whoever has an account there'],
    ['hosts: [a.example], ports: [3128]', 'port 3128 is where proxies listen'],
    ['hosts: [a.example], ports: ["8000-8999"]', 'port 8080 is where proxies listen'],
    ['hosts: [intranet.example]', 'intranet.example leads to no address that may be dialled: 10.1.2.3 is special'],
  ])('of %s', async (rest, message) => {
    const warnings = await warningsOf(rule(rest));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(message);
  });

  it.each([
    { resolves: 'parent', warned: 0 },
    { resolves: 'local', warned: 1 },
  ])('of the addresses of a name only where it is resolved here: resolve: $resolves', async ({ resolves, warned }) => {
    const egress = `egress: [{ name: far, type: http, address: "127.0.0.1:9", resolve: ${resolves} }]\n`;
    const byDefault = `default_egress: far\n${rule('hosts: [intranet.example]')}`;
    expect(await warningsOf(egress + byDefault)).toHaveLength(warned);
    expect(await warningsOf(egress + rule('hosts: [intranet.example], egress: far'))).toHaveLength(warned);
  });

  it.each([
    ['hosts: ["*.example.com", registry.npmjs.example]'],
    ['hosts: ["*.internal", "*.corp"]'],
    ['hosts: ["@github-write"]'],
    ['hosts: [mixed.example, nowhere.example]'],
    ['hosts: [a.example], ports: [443, "9000-9999"]'],
  ])('of nothing in %s', async (rest) => {
    expect(await warningsOf(rule(rest))).toEqual([]);
  });

  it.each([
    ['runtime: { user: no-such-user }', '3:18: runtime.user: warning: on this machine there is no user no-such-user;'],
    [
      'log: { file: /no/such/folder/a.log }',
      '3:14: log.file: warning: on this machine there is no folder for /no/such/',
    ],
    // Relative to the configuration, wherever it is checked from.
    [
      'log: { file: no/a.log }',
      `3:14: log.file: warning: on this machine there is no folder for ${join(folder, 'no', 'a.log')}; `,
    ],
    [
      'log: { file: "${NO_VAR:-/no/such}/a.log" }',
      '3:14: log.file: warning: on this machine there is no folder for ${NO_VAR:-/no/such}/a.log; ',
    ],
    [
      'log: { file: "${NO_VAR:-/no/such/a.log}" }',
      '3:14: log.file: warning: on this machine there is no folder for ${NO_VAR:-/no/such/a.log}; ',
    ],
    ['log: { file: /tmp }', '3:14: log.file: warning: /tmp is a directory; name a file in it'],
  ])('of what is not on this machine: %s', async (keys, message) => {
    const warnings = await warningsOf(`${keys}\n`);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(message);
  });

  it.each([
    ['log: { file: sallyport.yaml/a.log }', 'log.file: warning: on this machine there is no folder for '],
    ['log: { file: LONG }', ' cannot be opened (ENAMETOOLONG); name another file'],
    [
      'admin: { bind: "unix:FOLDER" }',
      'admin.bind: warning: on this machine a directory is there; name a socket in it',
    ],
    [
      'admin: { bind: "unix:FOLDER/sallyport.yaml" }',
      'admin.bind: warning: on this machine a file is there that is no socket; remove it or choose another path',
    ],
    [
      'admin: { bind: "unix:FOLDER/no/admin.sock" }',
      'admin.bind: warning: on this machine there is no folder for it; create it or choose another path',
    ],
    [
      'admin: { bind: "unix:FOLDER/sallyport.yaml/a" }',
      'admin.bind: warning: on this machine there is no folder for it',
    ],
  ])('of what cannot be written on this machine: %s', async (keys, message) => {
    const warnings = await warningsOf(`${keys.replace('FOLDER', folder).replace('LONG', 'a'.repeat(300))}\n`);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(message);
  });

  it('of nothing in a user, a log file and sockets that are there, or can be', async () => {
    expect(await warningsOf(`runtime: { user: root }\nlog: { file: a.log }\n`)).toEqual([]);
    const path = join(folder, 'admin.sock');
    expect(await warningsOf(`admin: { bind: "unix:${path}" }\n`)).toEqual([]);
    const running = createServer().listen(path);
    await once(running, 'listening');
    expect(await warningsOf(`admin: { bind: "unix:${path}" }\n`)).toEqual([]);
    running.close();
  });

  it('of no log file with the name of a folder, for it is an error', async () => {
    const file = join(folder, 'folder.yaml');
    writeFileSync(file, `listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0" }]\nlog: { file: "logs/" }\n`);
    const { stderr, code } = await sallyport(['check', '--config', file]);
    expect(code).toBe(2);
    expect(stderr).toContain('log.file: a path that ends in / is that of a folder; name a file in it');
  });

  it('of nothing that a rule denies', async () => {
    expect(await warningsOf('policy: { rules: [{ action: deny, hosts: ["*.com"], ports: [8080] }] }\n')).toEqual([]);
  });

  it('of more than twenty rules without a test', async () => {
    const rules = Array.from({ length: 21 }, (_, at) => `{ action: allow, hosts: [h${at}.example] }`).join(', ');
    const [warning] = await warningsOf(`policy: { rules: [${rules}] }\n`);
    expect(warning).toContain('policy.rules: warning: 21 rules and no test of them');
  });
});

describe('a comment', () => {
  it.each([
    ['on the line', '    - { name: r, action: allow, hosts: ["*.com"] } # sallyport-ignore: a lab'],
    ['alone above the line', '    # sallyport-ignore\n    - { name: r, action: allow, hosts: ["*.com"] }'],
  ])('%s silences its warnings', async (_, text) => {
    expect(await warningsOf(`policy:\n  rules:\n${text}\n`)).toEqual([]);
  });

  it('silences no other line', async () => {
    const text =
      '    - { name: r, action: allow, hosts: ["*.com"] } # sallyport-ignore\n    - { action: allow, hosts: ["*.net"] }';
    expect(await warningsOf(`policy:\n  rules:\n${text}\n`)).toHaveLength(1);
  });

  it('silences no error', async () => {
    const file = join(folder, 'bad.yaml');
    writeFileSync(file, 'listeners: [] # sallyport-ignore\n');
    expect((await sallyport(['check', '--config', file])).code).toBe(2);
  });
});
