/** `sallyport explain` and `check` of names whose families do not both answer: they wait for all that a tunnel would wait for. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FakeNameServer, record, startNameServer } from '../../packages/resolver/test/fake-name-server.ts';
import { sallyport } from '../e2e/harness/sallyport.ts';

/** Well above the 50 ms for which one family waits for the other. */
const LATE_MS = 150;

const folder = mkdtempSync(join(tmpdir(), 'sallyport-explain-'));
const file = join(folder, 'half.yaml');
let names: FakeNameServer;

beforeAll(async () => {
  names = await startNameServer(({ name, type }) => {
    if (type === 'AAAA') return { answers: [record('AAAA', name, 'fd00::1')] };
    if (name === 'broken.test') return { rcode: 'SERVFAIL' };
    return new Promise((resolve) => setTimeout(resolve, LATE_MS, { answers: [record('A', name, '8.8.8.8')] }));
  });
  writeFileSync(
    file,
    `listeners: [{ name: only, mode: connect, bind: "127.0.0.1:3128" }]
dns: { servers: ["127.0.0.1:${names.address.port}"] }
policy: { rules: [{ name: all, action: allow, clients: [private] }] }
`,
  );
});

afterAll(() => names.stop());

const explain = (host: string) =>
  sallyport(['explain', '--config', file, '--client', '10.0.0.9', '--to', `${host}:443`]);

it('judges the addresses that come late too', async () => {
  const { code, stdout } = await explain('late.test');
  expect(stdout).toContain('refused: fd00::1 is special: unique local (RFC 4193)');
  expect(stdout).toContain('permitted: 8.8.8.8');
  expect(code).toBe(0);
});

it('says which addresses nobody told', async () => {
  const { code, stdout } = await explain('broken.test');
  expect(stdout).toContain('unknown: IPv4, which no name server answered for');
  expect(code).toBe(3);
});

it.each(['late.test', 'broken.test'])('check warns of no address that may not be all: %s', async (host) => {
  const checked = join(folder, `${host}.yaml`);
  const rules = `[{ action: allow, clients: [private], hosts: [${host}] }]`;
  writeFileSync(checked, readFileSync(file, 'utf8').replace(/^policy: .*$/m, `policy: { rules: ${rules} }`));
  const { code, stderr } = await sallyport(['check', '--config', checked]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
});
