import { describe, expect, it } from 'vitest';
import { formatPath, formatProblem, sortByPosition } from '../src/problems.ts';

describe('formatProblem', () => {
  const problem = { severity: 'error', path: ['listeners', 0, 'bind'], message: 'taken; choose another' } as const;

  it('tells file, line, column, path and message', () => {
    const line = formatProblem('a.yaml', { ...problem, position: { line: 3, column: 5 } });
    expect(line).toBe('a.yaml:3:5: listeners[0].bind: taken; choose another');
  });

  it('tells the file alone when it could not be read', () => {
    expect(formatProblem('a.yaml', { ...problem, path: [], message: 'no such file' })).toBe('a.yaml: no such file');
  });

  it('shortens a word that is longer than any name', () => {
    const message = `expected a port, got "${'\u{1f600}'.repeat(5_000_000)}" and ${'y'.repeat(999)}`;
    const line = formatProblem('a.yaml', { ...problem, path: [], message });
    expect(line).toBe(`a.yaml: expected a port, got "${'\u{1f600}'.repeat(99)}… and ${'y'.repeat(999)}`);
  });

  it('marks a warning', () => {
    const line = formatProblem('a.yaml', { ...problem, severity: 'warning', position: { line: 1, column: 1 } });
    expect(line).toBe('a.yaml:1:1: listeners[0].bind: warning: taken; choose another');
  });

  it('tells the place in a file that the configuration names, under the key that names it', () => {
    const elsewhere = { file: 'allowed.txt', position: { line: 12, column: 3 } };
    const located = { ...problem, position: { line: 3, column: 5 } };
    expect(formatProblem('a.yaml', { ...located, elsewhere })).toBe(
      'allowed.txt:12:3: listeners[0].bind: taken; choose another',
    );
    expect(formatProblem('a.yaml', { ...located, elsewhere: { file: 'allowed.txt' } })).toBe(
      'allowed.txt: listeners[0].bind: taken; choose another',
    );
  });

  it('is one line that moves no cursor, whatever names and paths hold', () => {
    const message = 'no listener is named "x"; there are a\nb, \u202ec, \u001b[31md, \0, é 😀';
    expect(formatProblem('a\n.yaml', { ...problem, path: ['\u200b'], message })).toBe(
      String.raw`a\n.yaml: ["\u200b"]: no listener is named "x"; there are a\nb, \u202ec, \u001b[31md, \u0000, é 😀`,
    );
  });
});

describe('formatPath', () => {
  it.each([
    [[], ''],
    [['dns', 'hosts', 'intranet.example', 0], 'dns.hosts["intranet.example"][0]'],
    [['policy', 'rules', 12, 'hosts'], 'policy.rules[12].hosts'],
    [['a\nb'], '["a\\nb"]'],
  ])('spells %j as %s', (path, text) => {
    expect(formatPath(path)).toBe(text);
  });
});

describe('sortByPosition', () => {
  it('puts what has no place first and keeps the order within one place', () => {
    const at = (message: string, line?: number, column = 1) =>
      ({ severity: 'error', path: [], message, ...(line !== undefined && { position: { line, column } }) }) as const;
    const sorted = sortByPosition([at('d', 10, 2), at('b', 2, 9), at('c', 2, 9), at('a')]);
    expect(sorted.map(({ message }) => message)).toEqual(['a', 'b', 'c', 'd']);
  });
});
