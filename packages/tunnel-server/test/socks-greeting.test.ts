import { describe, expect, it } from 'vitest';
import { encodeSocksRefusal, socksVersionOf } from '../src/socks-greeting.ts';

describe('socksVersionOf', () => {
  it.each([
    { what: 'SOCKS 5', bytes: [5, 1, 0], version: 5 },
    { what: 'the first byte of it alone', bytes: [5], version: 5 },
    { what: 'SOCKS 4', bytes: [4, 1, 0x01, 0xbb, 127, 0, 0, 1, 0], version: 4 },
    { what: 'TLS', bytes: [22, 3, 1], version: undefined },
    { what: 'HTTP', bytes: [0x43, 0x4f], version: undefined },
    { what: 'nothing', bytes: [], version: undefined },
  ])('takes $what for version $version', ({ bytes, version }) => {
    expect(socksVersionOf(Uint8Array.from(bytes))).toBe(version);
  });
});

describe('encodeSocksRefusal', () => {
  it('tells SOCKS 5 that none of its methods will do', () => {
    expect([...encodeSocksRefusal(5)]).toEqual([5, 0xff]);
  });

  it('tells SOCKS 4 in its eight bytes that the request is rejected', () => {
    expect([...encodeSocksRefusal(4)]).toEqual([0, 0x5b, 0, 0, 0, 0, 0, 0]);
  });
});
