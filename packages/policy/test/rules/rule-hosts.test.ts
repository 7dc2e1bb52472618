import { describe, expect, it } from 'vitest';
import type { Problem, RuleConfig } from '@sallyport/config';
import { patternText } from '../../src/rules/host-patterns.ts';
import { type ReadHostsFile, walkPatterns } from '../../src/rules/rule-hosts.ts';

function walk(rule: Omit<RuleConfig, 'action'>, text = ''): { patterns: string[]; problems: Problem[] } {
  const readFile: ReadHostsFile = (path) =>
    path === 'list.txt' ? { kind: 'ok', path, text } : { kind: 'unreadable', why: `${path} does not exist` };
  const groups = new Map([['mirrors', ['m.example', '*.m.example']]]);
  const problems: Problem[] = [];
  const patterns = walkPatterns({ action: 'allow', ...rule }, 3, { readFile, groups });
  const walked = [...patterns((problem) => problems.push(problem))];
  return { patterns: walked.flatMap((pattern) => (pattern ? [patternText(pattern)] : [])), problems };
}

describe('walkPatterns', () => {
  it.each<[string, Omit<RuleConfig, 'action'>, string[]]>([
    ['nothing but an action', {}, ['*']],
    ['networks alone', { networks: ['any'] }, []],
    ['hosts', { hosts: ['b.example', '*.A.example.'] }, ['b.example', '*.a.example']],
    ['an empty list of hosts', { hosts: [] }, []],
    ['a group', { hosts: ['@mirrors', 'b.example'] }, ['m.example', '*.m.example', 'b.example']],
    ['a file', { hosts_file: 'list.txt' }, ['c.example', '*.d.example']],
    ['hosts and a file', { hosts: ['a.example'], hosts_file: 'list.txt' }, ['a.example', 'c.example', '*.d.example']],
  ])('finds the names of a rule with %s', (_, rule, patterns) => {
    expect(walk(rule, 'c.example # why\r\n\r\n*.D.example\r\n')).toEqual({ patterns, problems: [] });
  });

  it('tells of a malformed line by file, line and column, and of the key that names the file', () => {
    const { patterns, problems } = walk({ hosts_file: 'list.txt' }, 'a.example\n\n  10.0.0.1\nb.example\n');
    expect(patterns).toEqual(['a.example', 'b.example']);
    expect(problems).toEqual([
      {
        severity: 'error',
        path: ['policy', 'rules', 3, 'hosts_file'],
        elsewhere: { file: 'list.txt', position: { line: 3, column: 3 } },
        message: '"10.0.0.1" is an IP address or network; list it in networks',
      },
    ]);
  });

  it('tells of twenty malformed lines one by one, and counts the others', () => {
    const { problems } = walk({ hosts_file: 'list.txt' }, 'a..b\n'.repeat(1_000));
    expect(problems).toHaveLength(21);
    expect(problems.at(-2)?.elsewhere?.position?.line).toBe(20);
    expect(problems.at(-1)).toMatchObject({
      elsewhere: { file: 'list.txt' },
      message: '980 more lines are no host names',
    });
  });

  it('tells of a file that cannot be read at the key that names it', () => {
    expect(walk({ hosts_file: 'other.txt' }).problems).toEqual([
      { severity: 'error', path: ['policy', 'rules', 3, 'hosts_file'], message: 'other.txt does not exist' },
    ]);
  });
});
