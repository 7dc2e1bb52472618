import { describe, expect, it } from 'vitest';
import { hostLines } from '../../src/rules/host-list.ts';

describe('hostLines', () => {
  it.each([
    ['an empty list', '', []],
    ['blank lines and comments', '\n  \n# all of it\n\t# and this\n', []],
    ['one line without an end', 'a.example', ['1:1 a.example']],
    ['LF', 'a.example\nb.example\n', ['1:1 a.example', '2:1 b.example']],
    ['CR LF', 'a.example\r\n\r\nb.example\r\n', ['1:1 a.example', '3:1 b.example']],
    ['blanks round a pattern', '  a.example\t\n', ['1:3 a.example']],
    ['a comment behind a pattern', 'a.example # why\nb.example#why\n', ['1:1 a.example', '2:1 b.example']],
    ['two words on a line', 'a.example b.example\n', ['1:1 a.example b.example']],
  ])('reads %s', (_, list, lines) => {
    expect([...hostLines(list)].map(({ number, column, text }) => `${number}:${column} ${text}`)).toEqual(lines);
  });
});
