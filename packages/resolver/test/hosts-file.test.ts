import { describe, expect, it } from 'vitest';
import { parseHostsFile } from '../src/hosts-file.ts';

/** Comparing each line with each other one takes half a minute; reading them all, a tenth of a second. */
const QUADRATIC_MS = 5000;

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

  it('takes no quadratic time for a hundred thousand lines', () => {
    const text = Array.from({ length: 100_000 }, (_, at) => `0.0.0.0 ad-${at}.example # blocked`).join('\n');
    const startedAt = performance.now();
    expect(parseHostsFile(text).size).toBe(100_000);
    expect(performance.now() - startedAt).toBeLessThan(QUADRATIC_MS);
  });

  it('takes no quadratic time for one name on a hundred thousand lines', () => {
    const text = Array.from(
      { length: 100_000 },
      (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255} busy.example`,
    ).join('\n');
    const startedAt = performance.now();
    expect(parseHostsFile(text).get('busy.example')).toHaveLength(100_000);
    expect(performance.now() - startedAt).toBeLessThan(QUADRATIC_MS);
  });
});
