/** Named lists of hosts: those of the file, and those that come with the program. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compilePolicy } from '@sallyport/policy';
import { afterAll, describe, expect, it } from 'vitest';
import { sallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-groups-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const shipped = fileURLToPath(new URL('../../apps/sallyport/groups/', import.meta.url));
const files = readdirSync(shipped);

function config(rest: string): string {
  const file = join(folder, 'sallyport.yaml');
  writeFileSync(file, `listeners: [{ name: explicit, mode: connect, bind: "127.0.0.1:0" }]\n${rest}`);
  return file;
}

describe('the shipped groups', () => {
  it.each(files)('%s says what it is for, and of each host its source and the day', (file) => {
    const lines = readFileSync(join(shipped, file), 'utf8').trimEnd().split('\n');
    expect(lines[0]).toMatch(/^# .+\.$/);
    for (const line of lines.slice(1)) expect(line).toMatch(/^[a-z0-9*.-]+ # .+; .+; \d{4}-\d{2}-\d{2}$/);
  });

  it.each(files)('%s holds patterns and nothing else', (file) => {
    const hosts = readFileSync(join(shipped, file), 'utf8').match(/^[^#\s]+/gm) ?? [];
    const policy = { report_only: false, default: 'deny', hints: [], destinations: { deny: [], allow: [] } } as const;
    const { problems } = compilePolicy({ ...policy, rules: [{ name: 'all', action: 'allow', hosts }] });
    expect(problems).toEqual([]);
    expect(hosts.length).toBeGreaterThan(0);
  });

  it('are listed by sallyport groups, and the hosts of one by its name', async () => {
    const all = await sallyport(['groups']);
    expect(all.stdout.split('\n').length - 1).toBe(files.length);
    expect(all.stdout).toMatch(/^@npm +The npm registry/m);
    const { stdout, code } = await sallyport(['groups', 'pypi']);
    expect(stdout).toBe('pypi.org\nfiles.pythonhosted.org\n');
    expect(code).toBe(0);
  });

  it.each([
    [['groups', 'elsewhere'], 'no group is named "elsewhere"; sallyport groups lists them'],
    [['groups', 'pypy'], 'no group is named "pypy"; did you mean "pypi"?'],
    [['groups', 'npm', 'pypi'], 'unexpected argument "pypi"'],
  ])('refuses %s', async (args, message) => {
    const { stderr, code } = await sallyport(args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});

describe('groups in a configuration', () => {
  const good =
    'groups: { mirrors: ["*.mirror.example"] }\npolicy: { rules: [{ name: r, action: allow, hosts: ["@pypi", "@mirrors"] }] }\n';

  it('are shown by check with the hosts that they bring', async () => {
    const { stdout, stderr, code } = await sallyport(['check', '--config', config(good)]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('  rule r allows @pypi: pypi.org, files.pythonhosted.org\n');
    expect(stdout).toContain('  rule r allows @mirrors: *.mirror.example\n');
  });

  it('are named by explain', async () => {
    const args = ['explain', '--config', config(`dns: { hosts: { pypi.org: [8.8.8.8] } }\n${good}`)];
    const { stdout, code } = await sallyport([...args, '--client', '10.0.0.1', '--to', 'pypi.org:443']);
    expect(stdout).toContain('hosts: pypi.org matches pypi.org of the group @pypi');
    expect(code).toBe(0);
  });

  it('take the place of a shipped one of the same name', async () => {
    const own = 'groups: { npm: ["npm.example"] }\npolicy: { rules: [{ name: r, action: allow, hosts: ["@npm"] }] }\n';
    const { stdout } = await sallyport(['check', '--config', config(own)]);
    expect(stdout).toContain('  rule r allows @npm: npm.example\n');
  });

  it('are checked where they stand', async () => {
    const bad = `groups:
  mirrors: ["a..b"]
  nested: ["@npm"]
  unused: []
policy:
  rules:
    - { name: r, action: allow, hosts: ["@debain", "@mirrors", "@nested"] }
`;
    const { stderr, code } = await sallyport(['check', '--config', config(bad)]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/yaml:3:13: groups.mirrors\[0\]: "a..b" is no host name: the host name has an empty label/);
    expect(stderr).toMatch(
      /yaml:4:12: groups.nested\[0\]: a group lists hosts, and no other group; list its hosts here/,
    );
    expect(stderr).toMatch(
      /yaml:8:41: policy.rules\[0\].hosts\[0\]: no group is named "debain"; did you mean "debian"\?/,
    );
  });

  it('are warned of where no rule names them', async () => {
    const { stderr, code } = await sallyport(['check', '--config', config('groups: { spare: [a.example] }\n')]);
    expect(code).toBe(0);
    expect(stderr).toContain(
      'groups.spare: warning: no rule names the group; write hosts: ["@spare"] in one, or remove it',
    );
  });
});
