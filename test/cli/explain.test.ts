/** `sallyport explain` as an operator types it: the answer, what it rests on, and the exit code. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { describe, expect, it } from 'vitest';
import { sallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-explain-'));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

file('allowed.txt', '# from the partners\r\nlisted.test\r\n*.Below.test # any depth\r\n');

const config = file(
  'explain.yaml',
  `listeners:
  - { name: first, mode: connect, bind: "127.0.0.2:3128" }
  - { name: second, mode: sni, bind: "127.0.0.1:8443" }
dns:
  hosts:
    mixed.web.test: ["127.0.0.1", "10.0.0.5", "8.8.8.8"]
    private.web.test: ["10.0.0.5"]
    own.web.test: ["127.0.0.2"]
    listed.test: ["8.8.8.8"]
    a.b.below.test: ["8.8.4.4"]
policy:
  rules:
    - { name: no-ads, action: deny, hosts: ["ads.web.test"] }
    - { name: web, action: allow, clients: [private], hosts: ["*.web.test", "*.invalid"], ports: [443, "3128"] }
    - { name: partners, action: allow, listeners: [first], hosts_file: allowed.txt }
    - { name: team, action: allow, users: [ci], networks: ["8.8.8.0/24"] }
  destinations: { allow: [127.0.0.2] }
`,
);

const reporting = file(
  'reporting.yaml',
  `listeners: [{ name: only, mode: connect, bind: "127.0.0.1:0" }]
dns: { hosts: { a.test: ["8.8.8.8"], private.test: ["10.0.0.5"] } }
policy: { report_only: true, rules: [{ name: nothing, action: deny, ports: [443] }] }
`,
);

function usersConfig(): string {
  file('users.htpasswd', `ci:${hashSync('secret', 4)}\n`);
  return 'listeners: [{ name: asks, mode: connect, bind: "127.0.0.1:0", auth: { users_file: users.htpasswd } }]\n';
}

function explain(to: string, more: readonly string[] = [], client = '10.0.0.9') {
  return sallyport(['explain', '--config', config, '--client', client, '--to', to, ...more]);
}

describe('sallyport explain', () => {
  it('explains a file whose tests fail: they may be what it is asked about', async () => {
    const failing = file(
      'failing.yaml',
      `listeners: [{ name: only, mode: connect, bind: "127.0.0.1:0" }]
policy: { rules: [{ name: web, action: allow, hosts: ["*.web.test"] }] }
tests: [{ client: 10.0.0.9, to: "web.test:443", expect: allow }]
`,
    );
    const asked = ['explain', '--config', failing, '--client', '10.0.0.9', '--to', 'web.test:443'];
    const { code, stdout, stderr } = await sallyport(asked);
    expect(stdout).toMatch(/^denied: No rule allows web\.test:443/);
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
  });

  it('exits 0 for what is allowed, and tells rule, reasons, egress and every address', async () => {
    const { code, stdout, stderr } = await explain('MIXED.web.test.:443');
    expect(stderr).toBe('');
    expect(stdout).toBe(`allowed: rule web allows it

listener   first (the first one, as --listener is left out)
client     10.0.0.9
to         mixed.web.test:443
rule       web: allow
           hosts: mixed.web.test matches *.web.test
           ports: 443 matches 443
           clients: 10.0.0.9 is in private
earlier    no-ads does not match: hosts: mixed.web.test is not listed
egress     direct (default_egress)
addresses  refused: 127.0.0.1 is special: loopback (RFC 1122)
           refused: 10.0.0.5 is special: private use (RFC 1918)
           permitted: 8.8.8.8
not judged limits; nor was anything dialled
`);
    expect(code).toBe(0);
  });

  it('names the keys by which the door may refuse the client all the same', async () => {
    const strict = file(
      'strict.yaml',
      usersConfig().replace('auth:', 'verify_sni: enforce, ech: deny, proxy_protocol: [loopback], auth:'),
    );
    const asked = ['--config', strict, '--client', '10.0.0.9', '--user', 'ci', '--to', '8.8.8.8:443'];
    const { stdout } = await sallyport(['explain', ...asked]);
    expect(stdout).toContain('\nnot judged limits, proxy_protocol, auth, verify_sni, ech; nor was anything dialled\n');
    const refused = await sallyport(['explain', ...asked.slice(0, -1), '8.8.8.8:25']);
    expect(refused.stdout).not.toContain('not judged');
  });

  it('names no egress behind a direct one, for none is tried there', async () => {
    const lists = file(
      'lists.yaml',
      `listeners: [{ name: only, mode: connect, bind: "127.0.0.1:0" }]
egress:
  - { name: corp, type: http, address: "192.0.2.1:3128" }
  - { name: wan2, type: direct, source_address: "127.0.0.9" }
default_egress: [corp, wan2, direct]
`,
    );
    const { stdout } = await sallyport(['explain', '--config', lists, '--client', '127.0.0.1', '--to', '8.8.8.8:443']);
    expect(stdout).toContain('\negress     corp: http by 192.0.2.1:3128 (default_egress)\n');
    expect(stdout).toContain('\n           wan2 from 127.0.0.9, if those before it are down\naddresses ');
  });

  it('exits 3 for what the default denies, looks nothing up, and says what each rule lacked', async () => {
    const { code, stdout } = await explain('mixed.web.test:443', ['--listener', 'second'], '203.0.113.7');
    expect(code).toBe(3);
    expect(stdout).toBe(`denied: No rule allows mixed.web.test:443: allowed for clients private (reason policy)

listener   second (as asked)
client     203.0.113.7
to         mixed.web.test:443
told       No rule allows mixed.web.test:443. (the client; what stands above is for the log)
rule       default: deny (no rule matches)
earlier    no-ads does not match: hosts: mixed.web.test is not listed
           web does not match: clients: 203.0.113.7 is not in private
           partners does not match: hosts_file: mixed.web.test is not listed
           team does not match: networks: mixed.web.test is a name, which only hosts match
addresses  not looked up, as the policy denies
`);
  });

  it.each([
    ['a rule', 'ads.web.test:443', 'denied: The rule no-ads denies ads.web.test:443 (reason policy)'],
    ['no address permitted', 'private.web.test:443', 'is special: private use (RFC 1918) (reason address)'],
    ['a loop', 'own.web.test:3128', 'leads back to Sallyport itself (reason loop)'],
    ['no such name', 'nowhere.invalid:443', 'denied: nowhere.invalid does not resolve: '],
    ['a literal', '10.0.0.5:443', 'denied: No rule allows 10.0.0.5:443 (reason policy)'],
  ])('exits 3 for %s', async (_, to, answer) => {
    const { code, stdout } = await explain(to);
    expect(stdout.split('\n')[0]).toContain(answer);
    expect(code).toBe(3);
  });

  it.each([
    ['by the names in a file', 'listed.test:8443', [], 'hosts_file: allowed.txt lists listed.test'],
    ['by the suffixes in a file', 'a.b.below.test:443', [], 'hosts_file: allowed.txt lists a.b.below.test'],
    ['by user', '8.8.8.8:443', ['--user', 'ci'], 'users: ci is listed'],
  ])('exits 0 for what is allowed %s', async (_, to, more, ground) => {
    const { code, stdout } = await explain(to, more);
    expect(stdout).toContain(ground);
    expect(code).toBe(0);
  });

  it.each([
    ['8.8.8.8', '--to "8.8.8.8" is no HOST:PORT: the target has no port', []],
    ['127.1:443', 'an IP address is written in full; write 127.0.0.1', []],
    ['http://a.test', 'the target has a scheme; write a.test:80', []],
    ['https://a.test/x?y', 'the target has a scheme; write a.test:443', []],
    ['wss://u@[2001:db8::1]:8443/', 'the target has a scheme; write [2001:db8::1]:8443', []],
    ['ftp://a.test', 'the target has a scheme (see', []],
    ['a.test:0', 'the port is not between 1 and 65535', []],
    ['a.test:443', 'no listener is named "third"; there are first, second', ['--listener', 'third']],
  ])('exits 2 with one line on %s: %s', async (to, why, more) => {
    const { code, stdout, stderr } = await explain(to, more);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(why);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('exits 2 for a client that is no IP address', async () => {
    const { code, stderr } = await explain('8.8.8.8:443', [], '10.1');
    expect(code).toBe(2);
    expect(stderr).toContain('--client "10.1" is no IP address');
  });

  it('says that a user is asked for whom the listener does not know', async () => {
    const { stdout } = await explain('8.8.8.8:443', ['--user', 'ci']);
    expect(stdout).toMatch(/^client {5}.*, user ci \(no client has a user at this listener/m);
  });

  it('says that a client without a user is refused where the listener asks for one', async () => {
    const name = file('users.yaml', usersConfig());
    const asked = ['--client', '10.0.0.9', '--to', '8.8.8.8:443'];
    const without = await sallyport(['explain', '--config', name, ...asked]);
    expect(without.stdout).toMatch(/^client {5}10\.0\.0\.9 \(without a user; this listener refuses such clients/m);
    const withUser = await sallyport(['explain', '--config', name, ...asked, '--user', 'ci']);
    expect(withUser.stdout).toMatch(/^client {5}10\.0\.0\.9, user ci$/m);
  });

  it('exits 2 with every problem of a configuration that is wrong', async () => {
    const wrong = file('wrong.yaml', 'listeners: []\npolicy: { default: maybe }\n');
    const asked = ['--client', '10.0.0.9', '--to', 'a.test:443'];
    const { code, stderr } = await sallyport(['explain', '--config', wrong, ...asked]);
    expect(code).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(2);
  });

  it.each([
    ['a.test:443', 0, 'allowed, though rule nothing would deny it (report only)'],
    ['a.test:80', 0, 'allowed, though the default would deny it (report only)'],
    ['private.test:443', 3, '(reason address)'],
  ])('under report_only answers for %s with exit %i: %s', async (to, exit, answer) => {
    const asked = ['--client', '203.0.113.7', '--to', to];
    const { code, stdout } = await sallyport(['explain', '--config', reporting, ...asked]);
    expect(stdout.split('\n')[0]).toContain(answer);
    expect(stdout).toContain('only (the only one)');
    expect(code).toBe(exit);
  });
});

describe('a door on every address of this machine', () => {
  it.each([
    { dual: true, to: '127.0.0.1:3131', answer: 'denied: 127.0.0.1:3131 leads back to Sallyport itself (reason loop)' },
    { dual: true, to: '[::1]:3131', answer: 'denied: [::1]:3131 leads back to Sallyport itself (reason loop)' },
    { dual: false, to: '127.0.0.1:3131', answer: 'allowed: rule all allows it' },
    { dual: false, to: '[::1]:3131', answer: 'denied: [::1]:3131 leads back to Sallyport itself (reason loop)' },
  ])('is one of both families with dual_stack: $dual, $to', async ({ dual, to, answer }) => {
    const wildcard = file(
      'wildcard.yaml',
      `listeners: [{ name: only, mode: connect, bind: "[::]:3131", dual_stack: ${dual} }]
policy: { rules: [{ name: all, action: allow, clients: [private] }], destinations: { allow: [loopback] } }
`,
    );
    const asked = ['--client', '10.0.0.9', '--to', to];
    const { stdout } = await sallyport(['explain', '--config', wildcard, ...asked]);
    expect(stdout.split('\n')[0]).toBe(answer);
  });
});
