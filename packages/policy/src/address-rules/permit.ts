/** May this address be dialled? Checked for every address of every tunnel, after DNS. */
import {
  compileNetworks,
  type EmbeddedIpv4,
  embeddedIpv4,
  type Ip,
  type NetworkSet,
  specialPurposeOf,
} from '@sallyport/addresses';
import type { PolicyConfig } from '@sallyport/config';

export type AddressVerdict =
  | { readonly kind: 'permitted' }
  /** `why` is a clause for the client and the log: `10.0.0.5 is special: private use (RFC 1918)`. */
  | { readonly kind: 'refused'; readonly why: string };

/** `policy.destinations`, compiled. */
export interface DestinationRules {
  readonly deny: NetworkSet;
  readonly allow: NetworkSet;
}

/** Once for each policy: a network set is built slowly and asked fast. */
export function compileDestinations(rules: PolicyConfig['destinations']): DestinationRules {
  return { deny: compileNetworks(rules.deny), allow: compileNetworks(rules.allow) };
}

/**
 * Refuses what `deny` lists and `allow` does not. An IPv6 address that contains an IPv4 address is judged as both, and one refusal is
 * enough: an exception applies only to the form it lists.
 */
export function judgeAddress(ip: Ip, rules: DestinationRules): AddressVerdict {
  if (isDenied(ip, rules)) return { kind: 'refused', why: `${ip.text} is ${explain(ip, rules.deny)}` };
  const inside = embeddedIpv4(ip);
  if (inside && isDenied(inside.ip, rules)) return { kind: 'refused', why: explainInside(ip, inside, rules.deny) };
  return PERMITTED;
}

/** The same without an explanation: of an answer with many addresses, only one refusal is reported. */
export function isPermitted(ip: Ip, rules: DestinationRules): boolean {
  if (isDenied(ip, rules)) return false;
  const inside = embeddedIpv4(ip);
  return inside === undefined || !isDenied(inside.ip, rules);
}

const PERMITTED: AddressVerdict = { kind: 'permitted' };

function isDenied(ip: Ip, { deny, allow }: DestinationRules): boolean {
  return deny.contains(ip) && !allow.contains(ip);
}

function explainInside(ip: Ip, { form, ip: inside }: EmbeddedIpv4, deny: NetworkSet): string {
  return `${ip.text} is the ${form} form of ${inside.text}, which is ${explain(inside, deny)}`;
}

function explain(ip: Ip, deny: NetworkSet): string {
  const network = deny.find(ip) ?? 'a denied network';
  const purpose = network === 'special' ? specialPurposeOf(ip) : undefined;
  if (purpose) return `special: ${purpose.name} (${purpose.source})`;
  return `in ${network}, which policy.destinations.deny lists`;
}
