/** Which of its forms make an address special: itself, and the IPv4 address inside it. */
import { embeddedIpv4, type Ip, type Network, parseIp, specialPurposeOf } from '@sallyport/addresses';

/** The forms under which `destinations` judges an address, as `judgeAddress` does without an array. */
export function formsOf(ip: Ip): readonly Ip[] {
  const inside = embeddedIpv4(ip)?.ip;
  return inside === undefined ? [ip] : [ip, inside];
}

/** The same for a network: those of NAT64 lead to an IPv4 network. Whole networks of the other forms are special by themselves. */
export function networkForms(network: Network): readonly Network[] {
  const [address = '', prefix = ''] = network.split('/');
  const ip = parseIp(address);
  const inside = ip && embeddedIpv4(ip);
  const isNat64 = inside?.isSameAddress === true && Number(prefix) >= NAT64_BITS;
  return isNat64 ? [network, `${inside.ip.text}/${Number(prefix) - NAT64_BITS}`] : [network];
}

/** RFC 6052 §2.1: 64:ff9b::/96 */
const NAT64_BITS = 96;

/** Those that `deny: [special]` refuses; each of them needs an exception of its own. None where the address is public. */
export function specialForms(ip: Ip): readonly Ip[] {
  return formsOf(ip).filter((form) => specialPurposeOf(form) !== undefined);
}

/** Why `deny: [special]` refuses the address, as a clause: `private use (RFC 1918)`. Undefined where it is public. */
export function whySpecial(ip: Ip): string | undefined {
  const [form] = specialForms(ip);
  const purpose = form && specialPurposeOf(form);
  if (form === undefined || purpose === undefined) return undefined;
  const said = `${purpose.name} (${purpose.source})`;
  return form === ip ? said : `for it contains ${form.text}, ${said}`;
}
