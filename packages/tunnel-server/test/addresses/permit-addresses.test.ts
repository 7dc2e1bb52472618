import { describe, expect, it } from 'vitest';
import { ownAddresses } from '../../src/addresses/own-addresses.ts';
import { judgeDial, permitAddresses } from '../../src/addresses/permit-addresses.ts';
import { compileDestinations } from '../../src/addresses/permit.ts';
import { TunnelError } from '../../src/reasons.ts';
import { ip } from '../literal.ts';

const guards = {
  rules: compileDestinations({ deny: ['special'], allow: ['127.0.0.2/32'] }),
  own: ownAddresses([{ host: '127.0.0.2', port: 3128 }]),
};

function reasonFor(addresses: readonly string[], port: number): string {
  try {
    permitAddresses(addresses.map(ip), { kind: 'name', host: 'a.example', port }, guards);
    return 'permitted';
  } catch (cause) {
    return cause instanceof TunnelError ? `${cause.reason}: ${cause.message}` : String(cause);
  }
}

describe('judgeDial', () => {
  it.each([
    ['8.8.8.8', 3128, { kind: 'permitted' }],
    ['127.0.0.2', 443, { kind: 'permitted' }],
    ['127.0.0.2', 3128, { kind: 'loop' }],
    ['10.0.0.5', 3128, { kind: 'refused', why: '10.0.0.5 is special: private use (RFC 1918)' }],
  ])('judges %s at port %i', (address, port, verdict) => {
    expect(judgeDial(ip(address), port, guards)).toEqual(verdict);
  });
});

describe('permitAddresses', () => {
  it('keeps what may be dialled, in order, with the port', () => {
    const resolved = ['10.0.0.5', '8.8.8.8', '127.0.0.2', '1.1.1.1'].map(ip);
    const permitted = permitAddresses(resolved, { kind: 'name', host: 'a.example', port: 3128 }, guards);
    expect(permitted).toEqual([
      { host: '8.8.8.8', port: 3128 },
      { host: '1.1.1.1', port: 3128 },
    ]);
  });

  it.each([
    [
      'every address is refused',
      ['10.0.0.5', '192.168.0.1'],
      'address: a.example:3128 may not be dialled: 192.168.0.1',
    ],
    ['there is none', [], 'address: a.example:3128 may not be dialled: it has no address.'],
    ['only our own are left', ['10.0.0.5', '127.0.0.2'], 'loop: a.example:3128 leads back to Sallyport itself.'],
  ])('throws where %s', (_, addresses, message) => {
    expect(reasonFor(addresses, 3128)).toContain(message);
  });
});
