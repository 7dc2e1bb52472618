import { describe, expect, it } from 'vitest';
import { parseYamlDocument } from '../src/yaml-document.ts';
import { readYamlValues } from '../src/yaml-values.ts';
import { finish } from '../src/steps.ts';

const env = { NUMBER: '20', WORD: 'word', YAML: '[a, b]', COMMENT: '1 # one' };

function read(text: string) {
  const document = finish(parseYamlDocument(text));
  if (document.kind === 'invalid') throw new Error(document.problems[0]?.message);
  return readYamlValues(document.root, env);
}

describe('readYamlValues', () => {
  it('reads YAML 1.2: only true and false are booleans, and 0777 is decimal', () => {
    const { value } = read('a: [yes, off, true, ~, 0777, 0o17, 0x1f, 1.5, "1", 12:30]');
    expect(value).toEqual({ a: ['yes', 'off', true, null, 777, 15, 31, 1.5, '1', '12:30'] });
  });

  it.each([
    ['${NUMBER}', '20'],
    ['"${NUMBER}"', '20'],
    ["'${NUMBER}0'", '200'],
    ['${UNSET:-}', ''],
    ['${YAML}', '[a, b]'],
    ['${COMMENT}', '1 # one'],
  ])('expands %s to text, never to more than one value', (text, value) => {
    expect(read(`a: ${text}`)).toMatchObject({ value: { a: value }, problems: [] });
  });

  it('expands values and not keys', () => {
    expect(read('"${WORD}": 1').value).toEqual({ '${WORD}': 1 });
  });

  it('follows aliases', () => {
    expect(read('a: &office [1, 2]\nb: *office\nc: &office 3\nd: *office').value).toEqual({
      a: [1, 2],
      b: [1, 2],
      c: 3,
      d: 3,
    });
  });

  it.each([
    ['an alias to nothing', 'a: *b', '*b refers to no anchor &b before it; a value that begins with * needs quotes'],
    ['a list in itself', 'a: &a [*a]', '*a refers to no anchor &a before it; a value that begins with * needs quotes'],
    ['a list as a key', '? [a]\n: 1', 'a key must be plain text; a value that begins with { or [ needs quotes'],
    ['a template', 'a: {{ b }}', 'a key must be plain text; a value that begins with { or [ needs quotes'],
    ['a key given twice', 'a: 1\n"a": 2', 'the key "a" is given twice; keep one'],
    ['a key that is no plain one in JavaScript', '__proto__: 1', 'unknown key "__proto__"'],
  ])('tells %s', (_, text, message) => {
    expect(read(text).problems.map((problem) => problem.message)).toEqual([message]);
  });

  it('stops where aliases of aliases grow without bound', () => {
    const levels = Array.from({ length: 30 }, (_, n) => `l${n}: &l${n} [${n === 0 ? 'x' : `*l${n - 1}, *l${n - 1}`}]`);
    const { problems } = read(levels.join('\n'));
    expect(problems[0]?.message).toBe('aliases stand for more than 500000 values up to here; use fewer');
  });

  it('lets one list serve many rules', () => {
    const { problems } = read(`a: &a [1, 2, 3]\nb: [${'*a, '.repeat(10_000)}]`);
    expect(problems).toEqual([]);
  });
});
