/** Which of its forms make an address special: itself, and the IPv4 address inside it. */
import { embeddedIpv4, type Ip, specialPurposeOf } from '@sallyport/addresses';

/** The forms under which `destinations` judges an address, as `judgeAddress` does without an array. */
export function formsOf(ip: Ip): readonly Ip[] {
  const inside = embeddedIpv4(ip)?.ip;
  return inside === undefined ? [ip] : [ip, inside];
}

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
