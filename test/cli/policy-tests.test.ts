/** `tests` of a configuration, and `check --against`, as an operator meets them. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-tests-'));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const configOf = (rules: string, tests: string): string => `listeners:
  - { name: explicit, mode: connect, bind: "127.0.0.1:0" }
  - { name: transparent, mode: sni, bind: "127.0.0.1:0" }
admin: { bind: "127.0.0.1:0" }
policy:
  rules:
${rules}
tests:
${tests}
`;

const RULES = `    - { name: no-ads, action: deny, hosts: [ads.test] }
    - { name: web, action: allow, hosts: ["*.test"], listeners: [explicit], ports: [443] }
    - { name: ci, action: allow, users: [ci], networks: [8.8.8.8, 10.0.0.1] }`;

const PASSING = `  - { client: 10.0.0.7, to: "www.test:443", expect: allow, rule: web }
  - { client: 10.0.0.7, to: "WWW.test.:443", expect: allow, listener: explicit }
  - { client: 10.0.0.7, to: "www.test:443", listener: transparent, expect: deny, rule: default }
  - { client: 10.0.0.7, to: "ads.test:443", expect: deny, rule: no-ads }
  - { client: "::1", user: ci, to: "8.8.8.8:53", expect: allow }
  - { client: "::1", to: "8.8.8.8:53", expect: deny }
  - { client: "::1", user: ci, to: "10.0.0.1:53", expect: deny, rule: ci }`;

describe('tests', () => {
  it('are run by check, and counted', async () => {
    const { code, stdout } = await sallyport(['check', '--config', file('passing.yaml', configOf(RULES, PASSING))]);
    expect(stdout).toContain('  tests: 7 passed\n');
    expect(code).toBe(0);
  });

  it.each(['check', 'run'])(
    'make %s refuse a file when they fail, each by its place and with what decided',
    async (command) => {
      const failing = `  - { client: 10.0.0.7, to: "www.test:443", expect: allow }
  - { client: 10.0.0.7, to: "ads.test:443", expect: allow, rule: web }
  - { client: 10.0.0.7, to: "www.test:443", expect: allow, rule: no-ads }
  - client: 10.0.0.7
    to: "www.test:8443"
    expect: allow
  - { client: "::1", user: ci, to: "10.0.0.1:53", expect: allow }`;
      const path = file('failing.yaml', configOf(RULES, failing));
      const { code, stderr } = await sallyport([command, '--config', path]);
      // `check` shows the line of the file below each problem.
      const problems = stderr.replace('sallyport: ', '').split('\n');
      expect(problems.filter((line) => line.startsWith(path))).toEqual([
        `${path}:12:5: tests[1]: expected allow by rule web, but rule no-ads decides: deny (The rule no-ads denies ads.test:443.)`,
        `${path}:13:5: tests[2]: expected allow by rule no-ads, but rule web decides: allow`,
        `${path}:14:5: tests[3]: expected allow, but the default decides: deny (No rule allows www.test:8443: allowed on port 443, not 8443.)`,
        `${path}:17:5: tests[4]: expected allow, but rule ci decides: deny (10.0.0.1:53 may not be dialled: 10.0.0.1 is special: private use (RFC 1918).)`,
      ]);
      expect(code).toBe(2);
    },
  );

  it.each([
    [
      '{ client: 10.0.0.7, to: "a.test:443", expect: allow, listener: explicti }',
      'tests[0].listener: no listener is named "explicti"; did you mean "explicit"?',
    ],
    [
      '{ client: 10.0.0.7, to: "a.test:443", expect: allow, rule: wbe }',
      'tests[0].rule: no rule is named "wbe"; did you mean "web"?',
    ],
    ['{ client: 10.1, to: "a.test:443", expect: allow }', 'tests[0].client: expected an IP address'],
    [
      '{ client: 10.0.0.7, to: "127.1:443", expect: allow }',
      'tests[0].to: expected host:port such as "example.com:443", got "127.1:443"',
    ],
    [
      '{ client: 10.0.0.7, to: "xn--a.test:443", expect: allow }',
      'tests[0].to: the host name has an xn-- label that is no A-label (RFC 5890)',
    ],
    ['{ client: 10.0.0.7, user: "", to: "a.test:443", expect: allow }', 'tests[0].user: an empty name; remove it'],
    ['{ client: 10.0.0.7, to: "a.test", expect: report }', 'tests[0].expect: expected allow or deny, got "report"'],
    ['{ client: 10.0.0.7, to: "a.test:443" }', 'tests[0].expect: missing'],
    [
      '{ clients: 10.0.0.7, to: "a.test:443", expect: deny }',
      'tests[0].clients: unknown key "clients"; did you mean "client"?',
    ],
  ])('that say %s are no tests', async (test, problem) => {
    const { code, stderr } = await sallyport(['check', '--config', file('wrong.yaml', configOf(RULES, `  - ${test}`))]);
    expect(stderr).toContain(problem);
    expect(code).toBe(2);
  });

  it('count what report_only lets pass as allowed', async () => {
    const yaml = configOf(RULES, '  - { client: 10.0.0.7, to: "ads.test:443", expect: deny }').replace(
      '  rules:',
      '  report_only: true\n  rules:',
    );
    const { code, stderr } = await sallyport(['check', '--config', file('reporting.yaml', yaml)]);
    expect(stderr).toContain('expected deny, but rule no-ads decides: allow, as report_only lets it pass');
    expect(code).toBe(2);
  });
});

describe('check --against', () => {
  const older = file('older.yaml', configOf(RULES, PASSING));
  const newer = `    - { name: web, action: allow, hosts: ["*.test"], ports: [443] }`;
  const tests = `  - { client: 10.0.0.7, to: "ads.test:443", expect: allow }
  - { client: 10.0.0.7, to: "www.test:443", expect: allow }`;
  const line = (host: string, more = {}): string =>
    JSON.stringify({
      msg: 'tunnel',
      client: '10.0.0.9',
      listener: 'transparent',
      host,
      port: 443,
      decision: 'deny',
      ...more,
    });
  const log = file(
    'access.log',
    [line('a.test'), line('a.test'), line('b.example'), line('8.8.8.8', { user: 'ci', port: 53 }), 'no JSON'].join(
      '\n',
    ),
  );

  it('tells which tests and which requests of a log are decided otherwise', async () => {
    const path = file('newer.yaml', configOf(newer, tests));
    const { code, stdout } = await sallyport(['check', '--config', path, '--against', older, '--log', log]);
    expect(stdout.slice(stdout.indexOf('against '))).toBe(`against ${older}:
  ads.test:443 for 10.0.0.7 at explicit: deny by rule no-ads, now allow by rule web (tests[0])
  a.test:443 for 10.0.0.9 at transparent: deny by the default, now allow by rule web (2 in the log)
  8.8.8.8:53 for 10.0.0.9, user ci, at transparent: allow by rule ci, now deny by the default (1 in the log)
`);
    expect(code).toBe(0);
  });

  describe('of addresses that are refused now', () => {
    const dialled = (upstream: string, more = {}): string =>
      line('www.test', { listener: 'explicit', decision: 'allow', egress: 'direct', upstream, ...more });
    const corp = 'egress: [{ name: corp, type: http, address: "127.0.0.1:3128" }]\n';
    const changed = configOf(RULES, PASSING.replace(/.*8\.8\.8\.8:53.*expect: allow.*\n/, '')).replace(
      '  rules:',
      '  destinations: { deny: [special, 8.8.0.0/16, "2001:4860::/32"] }\n  rules:',
    );
    const nothing = '  nothing is decided otherwise\n';

    it.each([
      [
        'a literal',
        [line('8.8.8.8', { user: 'ci', port: 53 })],
        changed,
        '8.8.8.8:53 for 10.0.0.9, user ci, at transparent: allow by rule ci, now deny by policy.destinations (1 in the log)',
      ],
      [
        'a name that was dialled there',
        [dialled('8.8.4.4:443'), dialled('[2001:4860::5]:443')],
        changed,
        'www.test:443 for 10.0.0.9 at explicit: allow by rule web, now deny by policy.destinations (2 in the log)',
      ],
      ['a name that has another address', [dialled('8.8.4.4:443'), dialled('9.9.9.9:443')], changed, undefined],
      ['a name that a parent dialled', [dialled('8.8.4.4:443', { egress: 'corp' })], `${changed}${corp}`, undefined],
      [
        'a name that is left to a parent now',
        [dialled('8.8.4.4:443')],
        `${changed}${corp}default_egress: corp\n`,
        undefined,
      ],
    ])('tells %s', async (_, lines, config, told) => {
      const access = file('dialled.log', lines.join('\n'));
      const path = file('stricter.yaml', config);
      const { code, stdout } = await sallyport(['check', '--config', path, '--against', older, '--log', access]);
      expect(stdout.slice(stdout.indexOf('against '))).toBe(`against ${older}:\n${told ? `  ${told}\n` : nothing}`);
      expect(code).toBe(0);
    });
  });

  it('says so where nothing is', async () => {
    const { code, stdout } = await sallyport(['check', '--config', older, '--against', older, '--log', log]);
    expect(stdout).toContain(`against ${older}:\n  nothing is decided otherwise\n`);
    expect(code).toBe(0);
  });

  it('tells it also where a test fails, and exits 2', async () => {
    const path = file('failing-newer.yaml', configOf(newer, tests.replace('expect: allow', 'expect: deny')));
    const { code, stdout, stderr } = await sallyport(['check', '--config', path, '--against', older]);
    expect(stderr).toContain('tests[0]: expected deny, but rule web decides: allow');
    expect(stdout).toContain('ads.test:443 for 10.0.0.7 at explicit: deny by rule no-ads, now allow by rule web');
    expect(code).toBe(2);
  });

  it('exits 2 where the old file is wrong, and where --log stands alone', async () => {
    const wrong = file('wrong-older.yaml', 'listeners: []\n');
    expect((await sallyport(['check', '--config', older, '--against', wrong])).code).toBe(2);
    expect((await sallyport(['check', '--config', older, '--log', log])).code).toBe(2);
  });
});
