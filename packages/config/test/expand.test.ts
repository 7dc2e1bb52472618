import { describe, expect, it } from 'vitest';
import { escapeReferences, expandReferences } from '../src/expand.ts';

const env = { HOST: 'proxy.example', EMPTY: '', NESTED: '${HOST}', DOLLARS: '$& $1 $$' };

describe('expandReferences', () => {
  it.each([
    ['no reference', 'no reference'],
    ['${HOST}', 'proxy.example'],
    ['a ${HOST} b ${HOST}:1', 'a proxy.example b proxy.example:1'],
    ['${EMPTY}', ''],
    ['${EMPTY:-fallback}', 'fallback'],
    ['${UNSET:-fallback}', 'fallback'],
    ['${UNSET:-}', ''],
    ['${UNSET:-a:-b}', 'a:-b'],
    ['${HOST:-fallback}', 'proxy.example'],
    ['$HOST costs 5$', '$HOST costs 5$'],
    ['$${HOST}', '${HOST}'],
    ['$$${HOST}', '$${HOST}'],
  ])('expands %s to %j', (text, value) => {
    expect(expandReferences(text, env)).toEqual({ kind: 'ok', value });
  });

  it('takes values as they are, whatever looks like a reference in them', () => {
    expect(expandReferences('${NESTED} ${DOLLARS}', env)).toEqual({ kind: 'ok', value: '${HOST} $& $1 $$' });
  });

  it('knows no variable that only an object of JavaScript has', () => {
    expect(expandReferences('${constructor}', env)).toMatchObject({ kind: 'malformed' });
    expect(expandReferences('${toString:-fallback}', env)).toEqual({ kind: 'ok', value: 'fallback' });
  });

  it('names every variable that is not set, and the remedy', () => {
    const result = expandReferences('${ONE}${TWO}', env);
    expect(result).toMatchObject({
      kind: 'malformed',
      why:
        'the environment variable ONE is not set; set it, or give a default: ${ONE:-default}; ' +
        'the environment variable TWO is not set; set it, or give a default: ${TWO:-default}',
    });
  });

  it.each(['${}', '${1A}', '${A', '${A-b}', '${a b}', '${:-x}'])('refuses %s, which is no reference', (text) => {
    expect(expandReferences(text, env)).toMatchObject({
      kind: 'malformed',
      why: expect.stringContaining('"$${"') as unknown,
    });
  });

  it.each(['${UNSET:-${HOST}}', '${HOST:-${UNSET:-x}}', '${UNSET:-a$${b}'])(
    'refuses a default with a variable in it: %s',
    (text) => {
      expect(expandReferences(text, env)).toEqual({
        kind: 'malformed',
        why: 'a default holds no "${" of its own; write plain text behind ":-"',
      });
    },
  );
});

describe('escapeReferences', () => {
  it.each(['plain', '${HOST}', 'a $${b} $$${c', '${', '$', '$$', '${A:-${B}}'])(
    'keeps %s as it is when it is read again',
    (text) => {
      expect(expandReferences(escapeReferences(text), env)).toEqual({ kind: 'ok', value: text });
    },
  );
});
