import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIp, type Ip } from '@sallyport/addresses';
import { orderAddresses } from '../src/answer.ts';

describe('orderAddresses', () => {
  it.each([
    { given: '1.1.1.1 2.2.2.2 ::1 ::2', family: 'auto', ordered: '::1 1.1.1.1 ::2 2.2.2.2' },
    { given: '1.1.1.1 ::1 2.2.2.2 3.3.3.3', family: 'auto', ordered: '::1 1.1.1.1 2.2.2.2 3.3.3.3' },
    { given: '1.1.1.1 ::1', family: 'ipv4', ordered: '1.1.1.1' },
    { given: '1.1.1.1 ::1', family: 'ipv6', ordered: '::1' },
  ] as const)('orders $given ($family) as $ordered', ({ given, family, ordered }) => {
    expect(
      orderAddresses(ips(given), family)
        .map((ip) => ip.text)
        .join(' '),
    ).toBe(ordered);
  });

  it('loses none, doubles none and keeps the order within a family', () => {
    const literal = fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => parseIp(text) !== undefined);
    fc.assert(
      fc.property(fc.array(literal), (literals) => {
        const given = ips(literals.join(' '));
        const ordered = orderAddresses(given, 'auto');
        expect(ordered).toHaveLength(given.length);
        for (const family of [4, 6]) {
          expect(ordered.filter((ip) => ip.family === family)).toEqual(given.filter((ip) => ip.family === family));
        }
      }),
    );
  });
});

function ips(literals: string): Ip[] {
  return literals
    .split(' ')
    .map(parseIp)
    .filter((ip) => ip !== undefined);
}
