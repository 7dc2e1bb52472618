import { describe, expect, it } from 'vitest';
import { wordCause } from '../../src/log/word-cause.ts';

const refused = (address: string): Error => new Error(`connect ECONNREFUSED ${address}:6514`);

describe('the words for what a connection has thrown', () => {
  it.each([
    ['an error', refused('127.0.0.1'), 'connect ECONNREFUSED 127.0.0.1:6514'],
    ['an error without a message', new TypeError(), 'TypeError'],
    ['what is no error', 'gone', 'gone'],
    [
      'the errors of two addresses',
      new AggregateError([refused('::1'), refused('127.0.0.1')]),
      'connect ECONNREFUSED ::1:6514; connect ECONNREFUSED 127.0.0.1:6514',
    ],
    ['no more than three of many', new AggregateError(['a', 'b', 'c', 'd'].map((text) => new Error(text))), 'a; b; c'],
  ])('are told for %s', (_, cause, words) => {
    expect(wordCause(cause)).toBe(words);
  });
});
