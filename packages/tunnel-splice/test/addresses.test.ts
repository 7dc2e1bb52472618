import { describe, expect, it } from 'vitest';
import { addressOf } from '../src/portable/addresses.ts';

describe('addresses of the kernel', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    // Mapped in form only: no dotted IPv4 behind it.
    ['::ffff:0:1', '::ffff:0:1'],
  ])('spells %s as %s', (host, spelled) => {
    expect(addressOf(host, 443)).toEqual({ host: spelled, port: 443 });
  });

  it('has none for a socket whose peer is gone', () => {
    expect(addressOf(undefined, undefined)).toBeUndefined();
  });
});
