/** What `check` prints beside its problems: their lines, with a caret, and tables of doors and rules at the end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BINARY, sallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-check-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const DOOR = 'listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0" }]\n';

describe('check shows the line of a problem', () => {
  it('with a caret under the column, below FILE:LINE:COL: path: message', async () => {
    const wrong = file(
      'wrong.yaml',
      'listeners:\n  - name: a\n    mode: connect\n    bind: "127.0.0.1:70000"\nlimit: {}\n',
    );
    const { stderr } = await sallyport(['check', '--config', wrong]);
    const lines = stderr.split('\n');
    expect(lines[0]).toMatch(/^\S+wrong\.yaml:4:11: listeners\[0\]\.bind: /);
    expect(lines[1]).toBe('    4 |     bind: "127.0.0.1:70000"');
    expect(lines[2]).toBe('      |           ^');
    expect(lines[3]).toMatch(/^\S+wrong\.yaml:5:1: limit: unknown key/);
    expect(lines.slice(4)).toEqual(['    5 | limit: {}', '      | ^', '']);
  });

  it.each([
    ['that is no YAML', `${DOOR}dns: {\n`],
    ['of a rule', `${DOOR}policy: { rules: [{ action: allow, hosts: ["@nope"] }] }\n`],
    ['of a test that fails', `${DOOR}tests: [{ client: 10.0.0.1, to: "a.example:25", expect: allow }]\n`],
    ['of a warning', `${DOOR}policy: { rules: [{ action: allow, hosts: ["*.com"] }] }\n`],
  ])('%s', async (_, text) => {
    const { stderr } = await sallyport(['check', '--config', file('one.yaml', text)]);
    const [first = '', shown, caret = ''] = stderr.split('\n');
    const [, line, column] = /one\.yaml:(\d+):(\d+): /.exec(first) ?? [];
    expect(shown).toBe(`    ${line ?? ''} | ${text.split('\n')[Number(line) - 1] ?? ''}`);
    expect(caret.indexOf('^')).toBe('    2 | '.length + Number(column) - 1);
  });

  it('of a file that comes through a pipe', async () => {
    const piped = `echo 'listenrs: []' | ${process.execPath} ${BINARY} check --config /dev/stdin`;
    const child = spawn('sh', ['-c', piped], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child, 'close');
    expect(stderr).toContain('\n    1 | listenrs: []\n      | ^\n');
  });

  it('but no password that stands in it, and no line of another file', async () => {
    const text = `${DOOR}egress: [{ name: p, type: http, address: nowhere, username: u, password: "hunter2" }]\n`;
    const { stderr } = await sallyport(['check', '--config', file('secret.yaml', text)]);
    expect(stderr).toContain('address: nowhere, username: u, password: *********');
    file('hosts.txt', 'good.example\nb*d.example\n');
    const listed = `${DOOR}policy: { rules: [{ action: allow, hosts_file: hosts.txt }] }\n`;
    const other = await sallyport(['check', '--config', file('listed.yaml', listed)]);
    expect(other.stderr).toMatch(/hosts\.txt:2:1: .*\n$/);
    expect(other.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('and run does not: its fatal errors are a line each', async () => {
    const { stderr } = await sallyport(['run', '--config', file('fatal.yaml', 'listenrs: []\n')]);
    expect(
      stderr
        .trim()
        .split('\n')
        .every((line) => line.includes('fatal.yaml:')),
    ).toBe(true);
  });
});

describe('check ends with tables', () => {
  it('of doors and of rules', async () => {
    const text = `listeners:
  - { name: explicit, mode: connect, bind: "127.0.0.1:3128", verify_sni: enforce, ech: deny, http: forward }
  - { name: t, mode: sni, bind: ["127.0.0.1:8443", "[::1]:8443"], intercept: redirect }
policy:
  rules:
    - { name: builds, action: allow, clients: [private], users: [ci], hosts: ["@npm", a.example, b.example], ports: [443, "8000-8010"], egress: p }
    - { action: deny, networks: ["203.0.113.0/24"], report_only: true }
egress: [{ name: p, type: socks5, address: "127.0.0.1:1080" }]
`;
    const { stdout } = await sallyport(['check', '--config', file('tables.yaml', text)]);
    const tables = stdout.slice(stdout.indexOf('  LISTENER'));
    expect(tables).toBe(`  LISTENER  MODE     ADDRESS                     OPTIONS
  explicit  connect  127.0.0.1:3128              verify_sni enforce, ech deny, http forward
  t         sni      127.0.0.1:8443, [::1]:8443  intercept redirect

     RULE     ACTION         FROM              TO               PORTS           EGRESS
  1  builds   allow          private users ci  @npm and 2 more  443, 8000-8010  p
  2  rule-2   deny (report)  any               203.0.113.0/24   any
     default  deny
`);
  });

  it.each([
    { byDefault: 'deny', last: 'deny (report)' },
    { byDefault: 'allow', last: 'allow' },
  ])('in which no rule denies under report_only: default $byDefault', async ({ byDefault, last }) => {
    const rules = '[{ action: deny, ports: [25] }, { action: allow, ports: [443] }]';
    const text = `${DOOR}policy: { report_only: true, default: ${byDefault}, rules: ${rules} }\n`;
    const { stdout } = await sallyport(['check', '--config', file('report.yaml', text)]);
    const table = stdout.slice(stdout.indexOf('RULE'));
    const actions = [...table.matchAll(/ (?:rule-\d|default) +((?:allow|deny)(?: \(report\))?)/g)];
    expect(actions.map(([, action]) => action)).toEqual(['deny (report)', 'allow', last]);
  });

  it('with the first hundred of more rules than anybody reads', async () => {
    const rules = Array.from({ length: 250 }, (_, at) => `{ action: allow, hosts: [h${at}.example] }`).join(', ');
    const { stdout } = await sallyport([
      'check',
      '--config',
      file('many.yaml', `${DOOR}policy: { rules: [${rules}] }\n`),
    ]);
    expect(stdout).toMatch(/ 100 {2}rule-100 .*\n +… and 150 more\n +default +deny\n$/);
  });
});

describe('the tables of check', () => {
  it('have one line for each rule, whatever the name of a user', async () => {
    const rules = `policy: { rules: [{ action: allow, users: ["a\\nb\\u202e"] }, { action: deny, ports: [] }] }\n`;
    const { stdout } = await sallyport(['check', '--config', file('names.yaml', DOOR + rules)]);
    expect(stdout).toContain('\n  1  rule-1   allow   users a·b·  any  any    direct\n');
    expect(stdout).toContain('\n  2  rule-2   deny    any         any  none\n');
  });
});
