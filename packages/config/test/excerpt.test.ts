import { describe, expect, it } from 'vitest';
import { growthOfTime, LINEAR } from '../../../test/growth-of-time.ts';
import { createExcerpt } from '../src/excerpt.ts';

/** The shown line and what stands under it, without the gutter. */
function show(text: string, line: number, column: number): readonly string[] {
  return createExcerpt(text)({ line, column })
    .split('\n')
    .map((shown) => shown.replace(/^[ \d]+\| /, ''));
}

describe('createExcerpt', () => {
  it('shows the line with its number, and a caret under the column', () => {
    expect(createExcerpt('a: 1\nb: 2\n')({ line: 2, column: 4 })).toBe('    2 | b: 2\n      |    ^');
  });

  it('shows nothing without a position, or behind the end of the file', () => {
    expect(createExcerpt('a: 1')(undefined)).toBe('');
    expect(createExcerpt('a: 1')({ line: 9, column: 1 })).toBe('');
  });

  it.each([
    { what: 'a tab as one space', text: '\ta: x', column: 5, shown: [' a: x', '    ^'] },
    { what: 'letters of two columns', text: '名前: x', column: 5, shown: ['名前: x', '      ^'] },
    { what: 'an emoji', text: '"😀": x', column: 7, shown: ['"😀": x', '      ^'] },
    { what: 'a combining mark', text: 'e\u0301: x', column: 5, shown: ['e\u0301: x', '   ^'] },
    { what: 'a carriage return at the end', text: 'a: x\r', column: 4, shown: ['a: x', '   ^'] },
    { what: 'a no-break space', text: 'a:\u00a0x', column: 4, shown: ['a:·x', '   ^'] },
    { what: 'what would move the cursor', text: 'a: \u001b[2Jx', column: 4, shown: ['a: ·[2Jx', '   ^'] },
  ])('keeps the caret in place behind $what', ({ text, column, shown }) => {
    expect(show(text, 1, column)).toEqual(shown);
  });

  it('takes as long for each problem of a long line as for one', () => {
    const text = '"a b",'.repeat(32_000);
    expect(
      growthOfTime((problems) => {
        const excerpt = createExcerpt(text.slice(0, problems * 6));
        for (let column = 1; column <= problems * 6; column += 6) excerpt({ line: 1, column });
      }, 32_000),
    ).toBeLessThan(LINEAR);
  });

  it('shows a long line around the column', () => {
    const [line = '', caret = ''] = show(`${'x'.repeat(300)}!${'y'.repeat(300)}`, 1, 301);
    expect(line.length).toBeLessThan(120);
    expect(line).toMatch(/^…x+!y+…$/);
    expect(line[caret.indexOf('^')]).toBe('!');
  });

  it.each([
    ['{ address: "x", password: "se cret", name: a }', '{ address: "x", password: *** *****, name: a }'],
    ["password: 'se''cret' # why", 'password: ********** # why'],
    ['password: "never closed', 'password: ****** ******'],
    ['password: a,b}c', 'password: *****'],
    ['password: "${PARENT_PASSWORD}"', 'password: ********************'],
    ['"password": x', '"password": *'],
    ['store: { redis: "rediss://us:se@cret@cache:6379/1" }', 'store: { redis: "rediss://**********@cache:6379/1" }'],
    ['headers: { x-tenant: abc, y: z }', 'headers: * ********* **** ** * *'],
    ['authorization: Bearer abc', 'authorization: ****** ***'],
    [
      String.raw`{ key: "-----BEGIN RSA PRIVATE KEY-----\nMIIE", cert: a }`,
      '{ key: "-----BEGIN RSA PRIVATE KEY-----******", cert: a }',
    ],
    ['clients: [10.0.0.0/8]', 'clients: [10.0.0.0/8]'],
  ])('shows no secret of %s', (line, shown) => {
    expect(show(line, 1, 1)[0]).toBe(shown);
  });

  it.each([['password:\n  se cret'], ['password: |\n  se cret'], ['password: >- # folded\n  se cret']])(
    'shows no secret below its key: %j',
    (text) => {
      expect(show(text, 2, 3)[0]).toBe('  ** ****');
    },
  );
});
