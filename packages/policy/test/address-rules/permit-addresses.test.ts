import { describe, expect, it } from 'vitest';
import type { Ip } from '@sallyport/addresses';
import { judgeDial, permitAddresses, type PermitVerdict } from '../../src/address-rules/permit-addresses.ts';
import { compileDestinations } from '../../src/address-rules/permit.ts';
import { ip } from '../../../addresses/test/literal.ts';

const guards = {
  rules: compileDestinations({ deny: ['special'], allow: ['127.0.0.2/32'] }),
  own: {
    includes: ({ text }: Ip, port: number) => ['127.0.0.2', '10.0.0.9', '127.0.0.1'].includes(text) && port === 3128,
    isListed: ({ text }: Ip, port: number) => text === '10.0.0.9' && port === 3128,
  },
};

function verdictOf(addresses: readonly string[]): PermitVerdict {
  return permitAddresses(addresses.map(ip), { kind: 'name', host: 'a.example', port: 3128 }, guards);
}

describe('judgeDial', () => {
  it.each([
    ['8.8.8.8', 3128, { kind: 'permitted' }],
    ['127.0.0.2', 443, { kind: 'permitted' }],
    ['127.0.0.2', 3128, { kind: 'loop' }],
    ['10.0.0.9', 3128, { kind: 'loop' }],
    ['10.0.0.9', 443, { kind: 'refused', why: '10.0.0.9 is special: private use (RFC 1918)' }],
    ['127.0.0.1', 3128, { kind: 'refused', why: '127.0.0.1 is special: loopback (RFC 1122)' }],
    ['10.0.0.5', 3128, { kind: 'refused', why: '10.0.0.5 is special: private use (RFC 1918)' }],
  ])('judges %s at port %i', (address, port, verdict) => {
    expect(judgeDial(ip(address), port, guards)).toEqual(verdict);
  });
});

describe('permitAddresses', () => {
  it('keeps what may be dialled, in order, with the port', () => {
    const addresses = ['8.8.8.8', '1.1.1.1'].map((host) => ({ host, port: 3128 }));
    expect(verdictOf(['10.0.0.5', '8.8.8.8', '127.0.0.2', '1.1.1.1'])).toEqual({ kind: 'permitted', addresses });
  });

  it.each([
    {
      which: 'every address is refused',
      addresses: ['10.0.0.5', '192.168.0.1'],
      reason: 'address',
      sentence: 'a.example:3128 may not be dialled: none of its addresses is allowed',
      detail: 'a.example:3128 may not be dialled: 192.168.0.1 is special: private use (RFC 1918)',
    },
    {
      which: 'there is none',
      addresses: [],
      reason: 'address',
      sentence: 'a.example:3128 may not be dialled: none of its addresses is allowed',
      detail: 'a.example:3128 may not be dialled: it has no address',
    },
    {
      which: 'only our own are left',
      addresses: ['10.0.0.5', '127.0.0.2'],
      reason: 'loop',
      sentence: 'a.example:3128 leads back to Sallyport itself.',
      detail: 'a.example:3128 leads back to Sallyport itself.',
    },
    {
      which: 'one that the operator lists is refused by the rules as well',
      addresses: ['10.0.0.9', '10.0.0.5'],
      reason: 'loop',
      sentence: 'a.example:3128 leads back to Sallyport itself.',
      detail: 'a.example:3128 leads back to Sallyport itself.',
    },
  ])('refuses where $which', ({ addresses, reason, sentence, detail }) => {
    expect(verdictOf(addresses)).toEqual({ kind: 'refused', reason, sentence, detail });
  });
});
