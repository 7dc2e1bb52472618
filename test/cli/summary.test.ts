/** What a log says, counted, with what would allow the rest. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-summary-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const now = Date.now();
const file = join(folder, 'access.log');
writeFileSync(
  file,
  [
    { host: 'a.example.com', decision: 'allow', rule: 'registries', user: 'ci', client: '10.0.0.7' },
    { host: 'a.example.com', decision: 'allow', rule: 'registries', user: 'ci', client: '10.0.0.7' },
    { host: 'new.example.com', decision: 'report', rule: 'default', client: '10.0.0.8' },
    { host: 'evil|<b>.example.com', decision: 'deny', rule: 'default', client: '10.0.0.8' },
    { host: 'nope.example.com', decision: 'deny', reason: 'policy', rule: 'default', client: '10.0.0.8' },
    { host: 'intranet.example.com', decision: 'deny', reason: 'address', rule: 'registries', client: '10.0.0.8' },
    { host: '192.0.2.7', decision: 'deny', reason: 'policy', rule: 'no-literals', client: '10.0.0.8' },
    { host: '1.1.1.1', decision: 'deny', reason: 'policy', rule: 'no-literals', client: '10.0.0.8' },
    { host: '64:ff9b::a00:1', decision: 'deny', reason: 'policy', rule: 'no-literals', client: '10.0.0.8' },
    { host: '2002:a00:1::1', decision: 'deny', reason: 'address', rule: 'literals', client: '10.0.0.8' },
    { host: 'us.example.com', decision: 'deny', reason: 'loop', rule: 'registries', client: '10.0.0.8' },
    { host: 'soon.example.com', decision: 'report', rule: 'registries', would_deny: 'no-soon', client: '10.0.0.8' },
    { host: 'old.example.com', decision: 'allow', rule: 'registries', client: '10.0.0.9', age: 7_200_000 },
  ]
    .map(({ age = 0, ...fields }) => {
      const time = new Date(now - age).toISOString();
      return `${JSON.stringify({ msg: 'tunnel', time, listener: 'explicit', port: 443, reason: 'client_closed', ...fields })}\n`;
    })
    .join(''),
);

async function summary(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await sallyport(['summary', '--log', file, ...args]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

describe('sallyport summary', () => {
  it('counts by host, rule, user and client, as JSON', async () => {
    const read: unknown = JSON.parse(await summary('--format', 'json'));
    expect(read).toMatchObject({
      allowed: 5,
      reported: 2,
      denied: 7,
      users: [{ name: 'ci', allowed: 2, reported: 0, denied: 0 }],
      clients: [
        { name: '10.0.0.8', allowed: 2, reported: 2, denied: 7 },
        { name: '10.0.0.7', allowed: 2, reported: 0, denied: 0 },
        { name: '10.0.0.9', allowed: 1, reported: 0, denied: 0 },
      ],
    });
    expect(read).toHaveProperty('hosts.0', { name: 'a.example.com:443', allowed: 2, reported: 0, denied: 0 });
  });

  it('shows what would allow each denied destination', async () => {
    const text = await summary();
    expect(text).toContain('5 allowed (2 of them only by report_only), 7 denied');
    expect(text).toContain('- { action: allow, hosts: ["nope.example.com"], ports: [443] }');
    expect(text).toContain('- { action: allow, networks: ["192.0.2.7"], ports: [443] }');
    expect(text).toMatch(/intranet.example.com:443 once, address.*\n {2}policy.destinations.allow: \[its network\]/);
  });

  it('tells of what report_only let pass the rule that would have denied it, and not how it ended', async () => {
    const text = await summary();
    expect(text).toContain('soon.example.com:443 once, policy, rule no-soon, lately by 10.0.0.8\n');
    expect(text).toMatch(/^no-soon +1 +1 +0$/m);
    expect(text).toMatch(/^registries +3 +0 +2$/m);
  });

  it('tells of an address for special use the exception that it needs as well', async () => {
    const text = await summary();
    const rule = (ip: string): string => `- { action: allow, networks: ["${ip}"], ports: [443] }`;
    const place = '# above the rule no-literals';
    expect(text).toContain(`${rule('192.0.2.7')} ${place}; and policy.destinations.allow: ["192.0.2.7"]\n`);
    expect(text).toContain(`${rule('1.1.1.1')} ${place}\n`);
    expect(text).toContain(`${rule('64:ff9b::a00:1')} ${place}; and policy.destinations.allow: ["10.0.0.1"]\n`);
    expect(text).toContain('\n  policy.destinations.allow: ["2002:a00:1::1", "10.0.0.1"]\n');
  });

  it('says above which rule another one has to stand to be asked at all', async () => {
    const text = await summary();
    expect(text).toContain('- { action: allow, hosts: ["soon.example.com"], ports: [443] } # above the rule no-soon\n');
    expect(text).toContain('- { action: allow, hosts: ["nope.example.com"], ports: [443] }\n');
  });

  it('knows nothing that would allow a loop', async () => {
    const text = await summary();
    expect(text).toMatch(/us\.example\.com:443 once, loop.*\n {2}# it leads back to Sallyport itself/);
    expect(text).not.toContain('hosts: ["us.example.com"]');
  });

  it('is a table in Markdown', async () => {
    const text = await summary('--format', 'markdown');
    expect(text).toContain('| Host | allowed | reported | denied |');
    expect(text).toContain('| nope.example.com:443 | 1 | policy | default | 10.0.0.8 |');
  });

  it('takes only what is recent, where asked', async () => {
    expect(await summary('--since', '1h')).not.toContain('old.example.com');
    expect(await summary('--since', '3h')).toContain('old.example.com');
  });

  it.each([
    [['--format', 'constructor'], '--format constructor is none of text, json, markdown'],
    [['--format', 'html'], '--format html is none of text, json, markdown'],
    [['--since', 'yesterday'], '--since:'],
  ])('refuses %s', async (args, message) => {
    const { code, stderr } = await sallyport(['summary', '--log', file, ...args]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
