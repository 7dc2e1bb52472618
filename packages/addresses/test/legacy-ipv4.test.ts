import { describe, expect, it } from 'vitest';
import { endsInNumber, readLegacyIpv4 } from '../src/legacy-ipv4.ts';

describe('readLegacyIpv4', () => {
  it.each([
    ['127.1', '127.0.0.1'],
    ['127.0.1', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['0X7F.0x0.0x0.0X1', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0x7f000001', '127.0.0.1'],
    ['0177.0.0.1', '127.0.0.1'],
    ['017700000001', '127.0.0.1'],
    ['127.0.0.01', '127.0.0.1'],
    ['1.2.65535', '1.2.255.255'],
    ['1.16777215', '1.255.255.255'],
    ['4294967295', '255.255.255.255'],
    ['0', '0.0.0.0'],
  ])('reads %s as %s', (text, plain) => {
    expect(readLegacyIpv4(text)?.text).toBe(plain);
  });

  it.each([
    '',
    '.',
    '1.',
    '4294967296',
    '256.1',
    '1.16777216',
    '1.2.65536',
    '1.2.3.256',
    '08',
    '0x',
    '1.2.3.4.5',
    'a.1',
  ])('reads %j as nothing', (text) => {
    expect(readLegacyIpv4(text)).toBeUndefined();
  });
});

describe('endsInNumber', () => {
  it.each(['1', '127.1', 'a.0x7f', 'a.0x', 'a.0X1', 'example.08', '1.2.3.4'])('is true of %s', (name) => {
    expect(endsInNumber(name)).toBe(true);
  });

  it.each(['a', '1a', 'a.1b', '1.2.3.4a', 'a.0xg', '0x1.example', '1.example', 'a.x1'])('is false of %s', (name) => {
    expect(endsInNumber(name)).toBe(false);
  });
});
