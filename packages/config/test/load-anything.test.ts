import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseConfig } from '../src/load.ts';
import { formatProblem, type LocatedProblem } from '../src/problems.ts';

const scraps = [
  ...['listeners:', 'policy:', 'rules:', 'dns:', 'hosts:', 'cache:', 'name: a', 'mode: sni', 'bind: "127.0.0.1:0"'],
  ...[
    '  ',
    '\n',
    '\n  ',
    '\n    ',
    '- ',
    '? ',
    ': ',
    ', ',
    '[',
    ']',
    '{',
    '}',
    '&a ',
    '*a',
    '!t ',
    '|',
    '>-',
    '"',
    "'",
  ],
  ...[
    '#',
    '%YAML 1.1',
    '---',
    '...',
    '\t',
    '\r',
    '\u0000',
    '\uFEFF',
    '${',
    '}',
    '${A}',
    '${A:-b}',
    '$${',
    '<<: ',
    '__proto__: ',
  ],
  ...['~', 'null', '.nan', '0x', '1e999', '-0', '😀', '\uD800'],
];

const keys = [
  'listeners',
  'name',
  'mode',
  'bind',
  'limits',
  'policy',
  'rules',
  'clients',
  'ports',
  'dns',
  'hosts',
  'toString',
];
const leaves = fc.oneof(
  fc.constantFrom('sni', 'connect', '127.0.0.1:0', '10s', 'off', 'any'),
  fc.anything({ maxDepth: 0 }),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'medium' },
    leaves,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...keys), tie('tree'), { maxKeys: 5 }),
  ),
}));

/** Whether the answer is a configuration, or says in one line each what is wrong within the text. */
function isAnswered(text: string): boolean {
  const loaded = parseConfig(text, { A: 'x' });
  if (loaded.kind === 'ok') return true;
  const lineCount = text.split('\n').length;
  const isTold = (problem: LocatedProblem): boolean => {
    const { line, column } = problem.position ?? { line: 0, column: 0 };
    return line >= 1 && line <= lineCount && column >= 1 && !formatProblem('F', problem).includes('\n');
  };
  return loaded.problems.some(({ severity }) => severity === 'error') && loaded.problems.every(isTold);
}

describe('whatever the file holds, parseConfig answers with a configuration or with located problems', () => {
  it('for any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), isAnswered), { numRuns: 300 });
  });

  it('for any patchwork of YAML', () => {
    const patchwork = fc.array(fc.constantFrom(...scraps), { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(fc.property(patchwork, isAnswered), { numRuns: 500 });
  });

  it('for any tree of keys and values', () => {
    const texts = tree
      .filter((value) => value !== undefined)
      .map((value) => stringify(value, { aliasDuplicateObjects: false }));
    fc.assert(fc.property(texts, isAnswered), { numRuns: 300 });
  });

  it('also when the file is large', () => {
    const hosts = Array.from({ length: 20_000 }, (_, n) => `        - host${n}.example\n`).join('');
    const text = `listeners: [{ name: a, mode: sni, bind: "127.0.0.1:0" }]\npolicy:\n  rules:\n    - action: allow\n      hosts:\n${hosts}`;
    const loaded = parseConfig(text, {});
    expect(loaded.kind === 'ok' && loaded.config.policy.rules[0]?.hosts).toHaveLength(20_000);
  });
});
