import { describe, expect, it } from 'vitest';
import { cutHole, type IpRange, mergeRanges, parseCidr } from '../src/ranges.ts';

describe('parseCidr', () => {
  it.each([
    ['10.0.0.0/8', { family: 4, first: 0x0a000000n, last: 0x0affffffn }],
    ['10.9.9.9/8', { family: 4, first: 0x0a000000n, last: 0x0affffffn }],
    ['0.0.0.0/0', { family: 4, first: 0n, last: 0xffffffffn }],
    ['192.0.2.1', { family: 4, first: 0xc0000201n, last: 0xc0000201n }],
    ['::/0', { family: 6, first: 0n, last: 2n ** 128n - 1n }],
    ['::1', { family: 6, first: 1n, last: 1n }],
    ['::ffff:10.0.0.0/104', { family: 4, first: 0x0a000000n, last: 0x0affffffn }],
  ])('reads %s', (text, range) => {
    expect(parseCidr(text)).toEqual(range);
  });

  it.each([
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/1e1',
    '::/129',
    '::ffff:1.2.3.4/129',
    '1.2.3.0/24/1',
  ])('reads %j as no network', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });
});

describe('mergeRanges', () => {
  it('joins what overlaps or touches, within a family only', () => {
    const merged = mergeRanges([ipv4(20, 30), ipv6(0, 9), ipv4(0, 9), ipv4(10, 12), ipv4(25, 26)]);
    expect(merged).toEqual([ipv4(0, 12), ipv4(20, 30), ipv6(0, 9)]);
  });
});

describe('cutHole', () => {
  it.each([
    ['in the middle', ipv4(3, 4), [ipv4(0, 2), ipv4(5, 9)]],
    ['at the start', ipv4(0, 4), [ipv4(5, 9)]],
    ['at the end', ipv4(5, 20), [ipv4(0, 4)]],
    ['over all of it', ipv4(0, 9), []],
    ['beside it', ipv4(10, 11), [ipv4(0, 9)]],
    ['in the other family', ipv6(3, 4), [ipv4(0, 9)]],
  ])('cuts a hole %s', (_, hole, left) => {
    expect(cutHole([ipv4(0, 9)], hole)).toEqual(left);
  });
});

function ipv4(first: number, last: number): IpRange {
  return { family: 4, first: BigInt(first), last: BigInt(last) };
}

function ipv6(first: number, last: number): IpRange {
  return { family: 6, first: BigInt(first), last: BigInt(last) };
}
