import { describe, expect, it } from 'vitest';
import { parseHostsFile } from '../src/hosts-file.ts';
import { growthOfTime, LINEAR } from '../../../test/growth-of-time.ts';

describe('parseHostsFile', () => {
  it.each([
    { line: '10.0.0.1 a.example', name: 'a.example', found: ['10.0.0.1'] },
    { line: '\t10.0.0.1\t\ta.example   b.example # why', name: 'b.example', found: ['10.0.0.1'] },
    { line: '10.0.0.1 A.Example.', name: 'a.example', found: ['10.0.0.1'] },
    { line: '10.0.0.1 a.example\r\n::1 a.example', name: 'a.example', found: ['10.0.0.1', '::1'] },
    { line: '10.0.0.1 a.example\n10.0.0.1 a.example', name: 'a.example', found: ['10.0.0.1'] },
    { line: '10.0.0.1 constructor', name: 'constructor', found: ['10.0.0.1'] },
    { line: '# 10.0.0.1 a.example', name: 'a.example', found: undefined },
    { line: '10.0.0.1', name: '', found: undefined },
    { line: '127.1 a.example', name: 'a.example', found: undefined },
    { line: 'fe80::1%lo0 a.example', name: 'a.example', found: undefined },
    { line: '', name: '', found: undefined },
  ])('reads $name from "$line" as $found', ({ line, name, found }) => {
    expect(
      parseHostsFile(line)
        .get(name)
        ?.map((ip) => ip.text),
    ).toEqual(found);
  });

  it.each([
    ['many lines', (at: number) => `0.0.0.0 ad-${at}.example # blocked`],
    ['one name on many lines', (at: number) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255} busy.example`],
  ])('takes no quadratic time for %s', (_, lineOf) => {
    const lines = Array.from({ length: 32_000 }, (_each, at) => lineOf(at));
    const parse = (count: number): void =>
      expect(parseHostsFile(lines.slice(0, count).join('\n')).size).toBeGreaterThan(0);
    expect(growthOfTime(parse, lines.length)).toBeLessThan(LINEAR);
  });
});
