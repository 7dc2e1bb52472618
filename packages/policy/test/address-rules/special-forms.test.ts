import { compileNetworks, parseIp } from '@sallyport/addresses';
import { describe, expect, it } from 'vitest';
import { isPermitted } from '../../src/address-rules/permit.ts';
import { specialForms, whySpecial } from '../../src/address-rules/special-forms.ts';

const ADDRESSES = [
  { address: '8.8.8.8', forms: [] },
  { address: '10.0.0.1', forms: ['10.0.0.1'] },
  { address: '2606:4700::1111', forms: [] },
  { address: '64:ff9b::8.8.8.8', forms: [] },
  { address: '64:ff9b::127.0.0.1', forms: ['127.0.0.1'] },
  { address: '64:ff9b:1::8.8.8.8', forms: ['64:ff9b:1::808:808'] },
  { address: '2002:7f00:1::1', forms: ['2002:7f00:1::1', '127.0.0.1'] },
  { address: '2606:4700::5efe:10.0.0.1', forms: ['10.0.0.1'] },
];

describe.each(ADDRESSES)('the special forms of $address', ({ address, forms }) => {
  const ip = parseIp(address);
  if (!ip) throw new Error(`${address} is no address`);

  it('are those that are refused', () => {
    expect(specialForms(ip).map(({ text }) => text)).toEqual(forms);
    expect(whySpecial(ip) === undefined).toBe(forms.length === 0);
  });

  it('are the exceptions that it needs, and one less is not enough', () => {
    const isPermittedBy = (allow: readonly string[]): boolean =>
      isPermitted(ip, { deny: compileNetworks(['special']), allow: compileNetworks(allow) });
    expect(isPermittedBy(forms)).toBe(true);
    for (const form of forms) expect(isPermittedBy(forms.filter((other) => other !== form))).toBe(false);
  });
});
