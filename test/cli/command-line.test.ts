/** The commands as an operator types them: what they print, and how they exit. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashSync } from 'bcryptjs';
import { describe, expect, it } from 'vitest';
import { makeCertificates } from '../e2e/harness/certificates.ts';
import { BINARY, sallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-'));
const configs = copyOfConfigs();

/** The configurations that come with the program, and the users and certificates that one of them asks for. */
function copyOfConfigs(): string {
  const copy = join(folder, 'configs');
  cpSync(fileURLToPath(new URL('../../configs/', import.meta.url)), copy, { recursive: true });
  const { caFile, cert, key } = makeCertificates(['proxy.test']);
  const examples = join(copy, 'examples');
  writeFileSync(join(examples, 'users.htpasswd'), `ci:${hashSync('a password', 4)}\n`);
  writeFileSync(join(examples, 'proxy.crt'), cert);
  writeFileSync(join(examples, 'proxy.key'), key);
  cpSync(caFile, join(examples, 'clients-ca.crt'));
  return copy;
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const valid = file(
  'valid.yaml',
  'listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0" }]\nadmin: { bind: "127.0.0.1:0" }\n',
);

describe('sallyport', () => {
  it('alone prints its help and exits 2', async () => {
    const { code, stderr } = await sallyport([]);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: sallyport COMMAND');
  });

  it.each(['of', '', 'OFF', '0'])(
    'run says in one line that SALLYPORT_REPEAT is neither on nor off: %j',
    async (value) => {
      const { code, stdout, stderr } = await sallyport(['run', '--config', valid], { SALLYPORT_REPEAT: value });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toBe(
        `sallyport: the environment variable SALLYPORT_REPEAT is ${JSON.stringify(value)}; set it to on or off\n`,
      );
    },
  );

  it.each([['--config=other.yaml'], ['--config', 'other.yaml']])(
    'run refuses an option that npm has taken, for the file that it names would not be read: npm start %s %s',
    (...args) => {
      const clone = mkdtempSync(join(folder, 'clone-'));
      const start = `${process.execPath} ${BINARY} run --config ${valid}`;
      writeFileSync(join(clone, 'package.json'), JSON.stringify({ scripts: { start } }));
      const { status, stdout, stderr } = spawnSync('npm', ['--silent', 'start', ...args], {
        cwd: clone,
        timeout: 60_000,
        encoding: 'utf8',
      });
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toBe('sallyport: npm took --config for an option of its own; write npm start -- --config FILE\n');
    },
  );

  it('--version prints name and version', async () => {
    const { code, stdout } = await sallyport(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^sallyport \d+\.\d+\.\d+\n$/);
  });

  it('help COMMAND prints what COMMAND --help does', async () => {
    const [help, option] = [await sallyport(['help', 'check']), await sallyport(['check', '--help'])];
    expect(help).toEqual(option);
    expect(help.stdout).toContain('Usage: sallyport check');
  });

  it.each([['--help'], ['run', '--help'], ['check', '--help'], ['schema', '--help']])(
    '%s %s explains itself',
    async (...args) => {
      const { code, stdout } = await sallyport(args);
      expect(code).toBe(0);
      expect(stdout).toContain('Usage: sallyport');
    },
  );

  it('has no line in its help that a terminal of 132 columns would wrap', async () => {
    const { stdout } = await sallyport(['--help']);
    const names = stdout.split('\n').flatMap((line) => /^ {2}([a-z]+) {2,}/.exec(line)?.[1] ?? []);
    expect(names).toContain('check');
    const helps = await Promise.all(names.map((name) => sallyport([name, '--help'])));
    const lines = [stdout, ...helps.map((help) => help.stdout)].join('').split('\n');
    expect(lines.filter((line) => line.length > 132)).toEqual([]);
  });

  it.each([
    { args: ['fly'], why: 'unknown command "fly"' },
    { args: ['fly\nhigh'], why: String.raw`unknown command "fly\nhigh"` },
    { args: ['help', 'fly'], why: 'unknown command "fly"' },
    { args: ['run', '--a\nb'], why: String.raw`unknown option --a\nb` },
    { args: ['groups', 'npm', 'a\nb'], why: String.raw`unexpected argument "a\nb"` },
    { args: ['run'], why: 'needs --config FILE' },
    { args: ['run', '--config'], why: '--config needs a value: --config FILE' },
    { args: ['run', '--config='], why: '--config needs a value: --config FILE' },
    { args: ['init', '--for'], why: '--for needs a value: --for agents|gateway|office|ci' },
    { args: ['run', '--conf', valid], why: 'unknown option --conf; did you mean "--config"?' },
    { args: ['run', '-c', valid], why: 'unknown option -c; did you mean "--config"?' },
    { args: ['explain', '--usr', 'ci'], why: 'unknown option --usr; did you mean "--user"?' },
    { args: ['schema', '--lgo'], why: 'unknown option --lgo; did you mean "--log"?' },
    { args: ['run', '--hlep'], why: 'unknown option --hlep; did you mean "--help"?' },
    { args: ['schema', '--constructor'], why: 'unknown option --constructor (see sallyport schema --help)' },
    { args: ['learn', '--log', valid, ''], why: '--log needs a value: --log FILE' },
    { args: ['check', '--json'], why: 'unknown option --json (see sallyport check --help)' },
    { args: ['check', '--conf', valid], why: 'unknown option --conf; did you mean "--config"?' },
    { args: ['run', '--daemon'], why: 'unknown option --daemon (see sallyport run --help)' },
    { args: ['check', '--config', valid, '--config', valid], why: '--config is given twice; give one' },
    { args: ['explain', '--to', 'a.test:443', '--to', 'b.test:443'], why: '--to is given twice; give one' },
    { args: ['run', '--config', valid, '--config', '/nowhere/at-all.yaml'], why: '/nowhere/at-all.yaml' },
    {
      args: ['version'],
      why: 'unknown command "version"; did you mean "--version"? The commands are init, run, check',
    },
    { args: ['chek'], why: 'unknown command "chek"; did you mean "check"? The commands are init, run, check' },
    { args: ['groups', 'nmp'], why: 'no group is named "nmp"; did you mean "npm"?' },
    { args: ['groups', 'zzzz'], why: 'no group is named "zzzz"; sallyport groups lists them' },
    { args: ['fly'], why: 'the commands are init, run, check' },
    { args: ['--verison'], why: 'unknown option --verison; did you mean "--version"?' },
    { args: ['--config', valid], why: 'unknown option --config; a command comes first: init, run, check' },
    { args: ['check', '--config', valid, 'more'], why: 'unexpected argument "more"' },
    { args: ['run', '--config', '/nowhere/at-all.yaml'], why: '/nowhere/at-all.yaml' },
  ])('$args exits 2 with one line: $why', async ({ args, why }) => {
    const { code, stderr } = await sallyport(args);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('sallyport check', () => {
  it('prints FILE: ok and a summary', async () => {
    const { code, stdout } = await sallyport(['check', '--config', valid]);
    expect(code).toBe(0);
    expect(stdout).toContain(`${valid}: ok`);
    expect(stdout).toContain('127.0.0.1:0');
  });

  it('prints every problem with its position, and exits 2', async () => {
    const wrong = file(
      'wrong.yaml',
      'listeners:\n  - name: a\n    mode: connect\n    bind: "127.0.0.1:70000"\ntimeout: { idle: 10m }\npolicy:\n  rules:\n    - { action: allow, hosts: ["a.*.com"] }\n',
    );
    const { code, stderr } = await sallyport(['check', '--config', wrong]);
    expect(code).toBe(2);
    const lines = stderr.split('\n').filter((line) => line.startsWith(wrong));
    expect(lines[0]).toMatch(/wrong\.yaml:4:11: listeners\[0\]\.bind/);
    expect(lines[1]).toMatch(/wrong\.yaml:5:1: timeout: .*did you mean "timeouts"/);
  });

  it('tells the problems of every step at once, in the order of the file', async () => {
    const wrong = file(
      'steps.yaml',
      `listeners:
  - { name: a, mode: connect, bind: "127.0.0.1:0", auth: { users_file: none.htpasswd } }
timeouts: { idle: 0 }
policy:
  rules:
    - { action: allow, hosts: ["a..b", "*x"], ports: [0] }
    - { action: allow, hosts: ["@nowhere"], hosts_file: none.txt }
`,
    );
    const { code, stderr } = await sallyport(['check', '--config', wrong]);
    expect(code).toBe(2);
    const told = [...stderr.matchAll(/^.*steps\.yaml:(\d+:\d+: [^ ]+)/gm)].map(([, place]) => place);
    expect(told).toEqual([
      '2:72: listeners[0].auth.users_file:',
      '3:19: timeouts.idle:',
      '6:32: policy.rules[0].hosts[0]:',
      '6:40: policy.rules[0].hosts[1]:',
      '6:55: policy.rules[0].ports[0]:',
      '7:32: policy.rules[1].hosts[0]:',
      '7:57: policy.rules[1].hosts_file:',
    ]);
  });

  it('tells the problems of the rules beside those of a listener', async () => {
    const wrong = file(
      'listener.yaml',
      'listeners: [{ name: a, mode: conect, bind: "127.0.0.1" }]\npolicy: { rules: [{ action: allow, hosts: ["a..b"] }, { hosts: ["c..d"] }] }\n',
    );
    const { stderr } = await sallyport(['check', '--config', wrong]);
    expect([...stderr.matchAll(/listener\.yaml:\d+:\d+: ([^ ]+):/g)].map(([, path]) => path)).toEqual([
      'listeners[0].mode',
      'listeners[0].bind',
      'policy.rules[0].hosts[0]',
      'policy.rules[1].action',
      'policy.rules[1].hosts[0]',
    ]);
  });

  it('tells of rules that are not there, and of a log in its own file, beside whatever key is wrong', async () => {
    const wrong = file(
      'references.yaml',
      `listeners: [{ name: a, mode: conect, bind: "127.0.0.1:0", auth: users.htpasswd }]
groups: { mirrors: [""], more: nothing, Last: [a.test] }
policy:
  rules: [{ name: web, action: allow, hosts: ["@mirrors", "@more", "@Last", "a..b"] }, { action: 1 }, allow all]
tests:
  - { client: 10.0.0.1, to: "a.test:443", expect: deny, rule: wbe }
  - { client: 10.0.0.1, to: "a.test:443", expect: deny, rule: rule-2 }
  - { client: 10.0.0.1, to: "a.test:443", expect: deny, rule: default }
log: { file: ./references.yaml }
`,
    );
    const { stderr } = await sallyport(['check', '--config', wrong]);
    expect([...stderr.matchAll(/references\.yaml:\d+:\d+: ([^ ]+):/g)].map(([, path]) => path)).toEqual([
      'listeners[0].mode',
      'listeners[0].auth',
      'groups.mirrors[0]',
      'groups.more',
      'groups.Last',
      'policy.rules[0].hosts[3]',
      'policy.rules[1].action',
      'policy.rules[2]',
      'tests[0].rule',
      'log.file',
    ]);
  });

  it('tells the problems of named files beside whatever key is wrong', async () => {
    const config = file(
      'half-wrong.yaml',
      `listeners:
  - { name: a, mode: connect, bind: nope, tls: { cert: no-a.crt, key: no-a.key }, auth: { users_file: no-a.users } }
  - { name: b, mode: conect, bind: "127.0.0.1:0" }
  - { name: c, mode: connect, bind: "127.0.0.1:0", tls: { cert: 3, key: no-c.key }, auth: { users_file: no-c.users } }
egress:
  - { name: d, type: http, address: nope, tls: true, ca: no-d.pem }
  - { name: e, type: http, address: "p:1", tls: true, ca: no-e.pem }
log: { syslog: { address: nope }, otlp: { endpoint: "https://c", ca: no-f.pem } }
limits: { store: { redis: nope } }
tests: [{ client: nope, to: "a.test:443", expect: allow }]
policy: { rules: [{ action: allow, listeners: [b], egress: d, hosts_file: no-g.txt }] }
`,
    );
    const { stderr } = await sallyport(['check', '--config', config]);
    expect(
      stderr.match(/^\S+:\d+:\d+: \S+: /gm)?.map((told) => told.replace(/^\S+:(\d+):\d+: (.*): $/, '$1 $2')),
    ).toEqual([
      '2 listeners[0].bind',
      '2 listeners[0].tls.cert',
      '2 listeners[0].tls.key',
      '2 listeners[0].auth.users_file',
      '3 listeners[1].mode',
      '4 listeners[2].tls.cert',
      '4 listeners[2].auth.users_file',
      '6 egress[0].address',
      '7 egress[1].ca',
      '8 log.syslog.address',
      '8 log.otlp.ca',
      '9 limits.store.redis',
      '10 tests[0].client',
      '11 policy.rules[0].hosts_file',
    ]);
  });

  it('calls no group unknown whose definition has a problem', async () => {
    const wrong = file(
      'group.yaml',
      'listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0" }]\ngroups: { mine: a.test }\npolicy: { rules: [{ action: allow, hosts: ["@mine"] }] }\n',
    );
    const { stderr } = await sallyport(['check', '--config', wrong]);
    expect([...stderr.matchAll(/group\.yaml:\d+:\d+: ([^ ]+):/g)].map(([, path]) => path)).toEqual(['groups.mine']);
  });

  it('warns of a rule that can never match, and still exits 0', async () => {
    const shadowed = file(
      'shadowed.yaml',
      'listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0" }]\npolicy:\n  rules:\n    - { name: all, action: deny }\n    - { name: late, action: allow, hosts: [a.example] }\n',
    );
    const { code, stdout, stderr } = await sallyport(['check', '--config', shadowed]);
    expect(code).toBe(0);
    expect(`${stdout}${stderr}`).toMatch(/shadowed\.yaml:5:\d+: .*late/);
  });

  it('warns of an open proxy', async () => {
    const open = file(
      'open.yaml',
      'listeners: [{ name: a, mode: connect, bind: "0.0.0.0:3128" }]\npolicy:\n  rules:\n    - { name: all, action: allow }\n',
    );
    const { code, stdout, stderr } = await sallyport(['check', '--config', open]);
    expect(code).toBe(0);
    expect(`${stdout}${stderr}`).toMatch(/open proxy|any client/);
  });

  it.each(
    readdirSync(configs, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.yaml') && !/prometheus|grafana|kubernetes/.test(name),
    ),
  )('finds configs/%s in order', async (name) => {
    const { code, stdout } = await sallyport(['check', '--config', join(configs, name)]);
    expect(code).toBe(0);
    expect(stdout).toContain(': ok');
  });
});

describe('sallyport schema', () => {
  it('prints a JSON Schema that knows the listeners', async () => {
    const { code, stdout } = await sallyport(['schema']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'object', properties: { listeners: { type: 'array' } } });
  });

  it('prints that of a log line with --log', async () => {
    const { code, stdout } = await sallyport(['schema', '--log']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      oneOf: [{ properties: { msg: { const: 'tunnel' }, seq: {} } }, {}, {}],
    });
  });

  it('takes nothing with --log', async () => {
    const { code, stderr } = await sallyport(['schema', '--log=access.log']);
    expect(code).toBe(2);
    expect(stderr).toContain('--log takes nothing');
  });
});

describe('sallyport run', () => {
  it('exits 2 with the problem when the configuration is wrong', async () => {
    const { code, stderr } = await sallyport(['run', '--config', file('empty.yaml', '')]);
    expect(code).toBe(2);
    expect(stderr).toContain('empty.yaml');
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it.each([
    { written: '/nowhere/sallyport.log', meant: () => '/nowhere/sallyport.log' },
    // Relative to the configuration, as every path in it, wherever the process was started.
    { written: 'nowhere/sallyport.log', meant: () => join(folder, 'nowhere/sallyport.log') },
  ])('exits 1 with one line that names the log file it cannot open: $written', async ({ written, meant }) => {
    const config = file(
      'unlogged.yaml',
      `listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0" }]\nlog: { file: ${written} }\n`,
    );
    const { code, stderr } = await sallyport(['run', '--config', config]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: log\.file cannot be opened: .*; name .*\n$/);
    expect(stderr).toContain(`'${meant()}'`);
  });

  it('exits 1 with one line that names the port when it is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const config = file(
      'taken.yaml',
      `listeners: [{ name: a, mode: connect, bind: "127.0.0.1:${port}" }]\nadmin: { bind: "127.0.0.1:0" }\n`,
    );
    const { code, stderr } = await sallyport(['run', '--config', config]);
    taken.close();
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(`127.0.0.1:${port}`);
    expect(stderr).toMatch(/in use/);
  });

  it.each([
    {
      who: 'a listener',
      listener: '203.0.113.9:3128',
      admin: '127.0.0.1:0',
      why: 'sallyport: listener a cannot listen on 203.0.113.9:3128: this machine has no such address; use one of its own (ip address shows them), 0.0.0.0 or [::]',
    },
    {
      // It trusts every client that reaches it.
      who: 'the admin server',
      listener: '127.0.0.1:0',
      admin: '203.0.113.9:9128',
      why: 'sallyport: the admin server cannot listen on 203.0.113.9:9128: this machine has no such address; use one of its own (ip address shows them)',
    },
  ])(
    'exits 1 with a remedy where $who has an address that is not of this machine',
    async ({ listener, admin, why }) => {
      const config = file(
        'elsewhere.yaml',
        `listeners: [{ name: a, mode: connect, bind: "${listener}" }]\nadmin: { bind: "${admin}" }\n`,
      );
      const { code, stderr } = await sallyport(['run', '--config', config]);
      expect(code).toBe(1);
      expect(stderr.trim()).toBe(why);
    },
  );
});
