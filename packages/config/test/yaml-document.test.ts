import { describe, expect, it } from 'vitest';
import { parseYamlDocument } from '../src/yaml-document.ts';
import { finish } from '../src/steps.ts';

const problemsOf = (text: string) => {
  const document = finish(parseYamlDocument(text));
  return document.kind === 'ok'
    ? []
    : document.problems.map(({ position, message }) => `${position?.line}:${position?.column}: ${message}`);
};

describe('parseYamlDocument', () => {
  it.each([
    ['', '1:1: the file is empty; it needs at least "listeners:"'],
    ['# nothing\n', '1:1: the file is empty; it needs at least "listeners:"'],
    ['a:\n\t- x\n', '2:1: a tab indents this line; indent with spaces'],
    ['a: 1\n---\nb: 2\n', '2:1: a second document begins; remove the line "---"'],
    ['%YAML 1.1\n---\na: yes\n', '1:1: only YAML 1.2 is read; remove "%YAML"'],
    ['a: !secret x\n', '1:4: a tag such as !name has no meaning here; remove it, or put the value in quotes'],
    ['a: @x\n', '1:4: a value cannot begin with this character; put it in quotes'],
    ['a: b: c\n', '1:4: no key can begin here; check the indentation, and put a value that has ": " in it in quotes'],
    ['a: "x\nb: 1\n', '1:4: this quote is never closed; close it where the value ends'],
    ["a:\n  b: 'it''s\n", '2:6: this quote is never closed; close it where the value ends'],
    ['a: { b: c: d }\n', '1:9: within { } or [ ], a value that has ": " in it needs quotes'],
    ['a: [*]\n', '1:5: a value that begins with * needs quotes'],
    ['a: [::1]:443\n', '1:4: a value that begins with [ needs quotes: "[::]:3128"'],
    ['a: { b: [::]:443 }\n', '1:9: a value that begins with [ needs quotes: "[::]:3128"'],
    ['a: { b: ${B} }\n', '1:9: within { } or [ ], a value with "${" in it needs quotes: "${NAME}"'],
    ['a: [1, x${B:-y}]\n', '1:9: within { } or [ ], a value with "${" in it needs quotes: "${NAME}"'],
    ['a: [1, 2\nb: 3\n', '1:4: this [ is never closed; add ]'],
    ['a: { b: in #c }\n', '1:4: this { is never closed; add }; " #" begins a comment, unless it is in quotes'],
    ['a:\u00a0{}\nb: 1\n', '1:3: a space that YAML does not know (U+00A0) stands here; write a plain one'],
    ['a:\n  - { b: 1, c: [2]\nd: 3\n', '2:5: this { is never closed; add }'],
  ])('says what is wrong with %j once, and where', (text, problem: unknown) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it.each(['!!timestamp 2026-01-01', '!!binary aGk=', '!!set { x }', '!!omap [x: 1]', '!!pairs [x: 1]', '!!merge x'])(
    'reads no tag of YAML 1.1: %s',
    (value) => {
      expect(problemsOf(`a: ${value}\n`)).toEqual([expect.stringMatching(/^1:4: a tag such as !name has no meaning/)]);
    },
  );

  it('reads the tags of YAML 1.2', () => {
    expect(problemsOf('a: !!str 1\nb: !!int "2"\nc: !!map {}\nd: !!seq []\ne: !!bool true\n')).toEqual([]);
  });

  it('tells every tag', () => {
    expect(problemsOf('a: !x 1\nb: !y 2\n')).toHaveLength(2);
  });

  it.each(['[', '{', '- ', '? ', '{a: ', '[a, '])(
    'refuses %j nested without end before it overflows the stack',
    (opening) => {
      expect(problemsOf(opening.repeat(20_000))).toEqual([
        expect.stringMatching(/^1:\d+: nests deeper than 64 levels/),
      ]);
    },
  );

  it('parses what nests as deep as a configuration does', () => {
    expect(problemsOf('{a: '.repeat(12) + '1' + '}'.repeat(12))).toEqual([]);
  });

  it('pauses often in a long file', () => {
    const rule = '  - { name: some, action: allow, hosts: [a.example, b.example] }\n';
    expect([...parseYamlDocument(`rules:\n${rule.repeat(1_000)}`)].length).toBeGreaterThan(100);
  });
});
