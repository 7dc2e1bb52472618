import { describe, expect, it } from 'vitest';
import { holdsStrangers, isBelowListed } from '../../src/learn/public-suffixes.ts';

describe('holdsStrangers', () => {
  it.each([
    ['com', true, 'a public suffix'],
    ['co.uk', true, 'one of two labels'],
    ['github.io', true, 'of the private part'],
    ['s3.amazonaws.com', true, 'of the private part, of three labels'],
    ['amazonaws.com', true, 'above a public suffix'],
    ['uk', true, 'above, and one itself'],
    ['anything.ck', true, 'of a wildcard rule (*.ck)'],
    ['nosuchtld', true, 'a last label that the list does not know (its rule *)'],
    ['www.ck', false, 'an exception (!www.ck)'],
    ['example.com', false, 'a name that somebody registered'],
    ['cdn.example.com', false, 'below one'],
    ['someone.github.io', false, 'somebody below a private suffix'],
    ['corp.test', false, 'below a last label that the list does not know'],
  ])('of %s says %s: %s', (name, answer) => {
    expect(holdsStrangers(name)).toBe(answer);
  });
});

describe('isBelowListed', () => {
  it.each([
    ['com', true, 'on the list'],
    ['amazonaws.com', true, 'below one that is'],
    ['github.io', true, 'on its private part'],
    ['internal', false, 'not on the list'],
    ['corp.internal', false, 'below one that is not'],
  ])('of %s says %s: %s', (name, answer) => {
    expect(isBelowListed(name)).toBe(answer);
  });
});
