/** A policy is compiled again where something has changed that it is made of, and only then. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Policy } from '@sallyport/policy';
import { afterAll, describe, expect, it } from 'vitest';
import { PolicyCompiler } from '../src/policy-compiler.ts';
import { readSettings } from '../src/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Parts {
  readonly list?: string;
  readonly rule?: string;
  readonly listener?: string;
  readonly more?: string;
}

/** Undefined where the file is refused. */
function read(
  compiler: PolicyCompiler,
  { list = 'a.test\n', rule = '', listener = '', more = '' }: Parts,
): Policy | undefined {
  writeFileSync(join(folder, 'list.txt'), list);
  const file = join(folder, 'sallyport.yaml');
  writeFileSync(
    file,
    `listeners: [{ name: explicit, mode: connect, bind: "127.0.0.1:0"${listener} }]
policy: { rules: [{ name: listed, action: allow, hosts_file: list.txt${rule} }] }
${more}
`,
  );
  const result = readSettings(file, {}, { compiler });
  return result.kind === 'ok' ? result.settings.policy : undefined;
}

describe('a policy that is read again', () => {
  it.each<{ what: string; parts: Parts }>([
    { what: 'nothing', parts: {} },
    { what: 'what is not of the policy', parts: { more: 'timeouts: { idle: 3m }', listener: ', misdirected: serve' } },
  ])('is kept where $what has changed', ({ parts }) => {
    const compiler = new PolicyCompiler();
    const first = read(compiler, {});
    expect(first).toBeDefined();
    expect(read(compiler, parts)).toBe(first);
  });

  it.each<{ what: string; parts: Parts }>([
    { what: 'a list, in a character', parts: { list: 'b.test\n' } },
    { what: 'a rule', parts: { rule: ', ports: [443]' } },
    { what: 'a group', parts: { more: 'groups: { own: [c.test] }' } },
    { what: 'whether a listener reports', parts: { listener: ', report_only: true' } },
  ])('is another where $what has changed', ({ parts }) => {
    const compiler = new PolicyCompiler();
    const first = read(compiler, {});
    const second = read(compiler, parts);
    expect(second).toBeDefined();
    expect(second).not.toBe(first);
    expect(read(compiler, parts)).toBe(second);
  });

  it('is kept over a list that is refused in between', () => {
    const compiler = new PolicyCompiler();
    const first = read(compiler, {});
    expect(read(compiler, { list: 'no name\n' })).toBeUndefined();
    expect(read(compiler, {})).toBe(first);
  });

  it('costs a fraction of what its list cost at first', () => {
    const compiler = new PolicyCompiler();
    const list = Array.from({ length: 200_000 }, (_, n) => `host-${n}.zone-${n % 1000}.test\n`).join('');
    const cost = (): number => {
      const before = process.cpuUsage();
      expect(read(compiler, { list })).toBeDefined();
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const first = cost();
    expect(cost()).toBeLessThan(first / 3);
  });
});
