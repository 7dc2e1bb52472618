/** The destination of a client. This is the only parser of a host, for both doors and for the patterns of rules. */
import { domainToASCII, domainToUnicode } from 'node:url';
import {
  authorityText,
  endsInNumber,
  type Ip,
  isHostName,
  MAX_NAME_LENGTH,
  parseIp,
  readLegacyIpv4,
  uriHost,
} from '@sallyport/addresses';

/**
 * A destination as the policy sees it: a canonical name, or an IP literal. Any other spelling of an address (`127.1`, `0x7f.1`) is
 * refused before it becomes one of these.
 */
export type Destination =
  | { readonly kind: 'name'; readonly host: string; readonly port: number }
  /** `host` is the canonical spelling without brackets. */
  | { readonly kind: 'address'; readonly host: string; readonly ip: Ip; readonly port: number };

/** Text that is not a destination. `why` is a clause for the client and the log, with nothing unescaped that the client sent. */
export interface MalformedDestination {
  readonly kind: 'malformed';
  readonly why: string;
}

/**
 * Reads a host from an authority (RFC 3986 §3.2.2, IPv6 in brackets) or from a server_name.
 *
 * Names are lower-cased, lose one trailing dot, and must have the form of `isHostName` and IDNA A-labels (RFC 5890 §2.3.2.1). What a
 * resolver would take for an address, and is not a plain literal, is malformed.
 */
export function parseDestination(host: string, port: number): Destination | MalformedDestination {
  if (host.startsWith('[')) return parseBracketed(host, port);
  const ip = host.includes(':') ? undefined : parseIp(host);
  if (ip) return { kind: 'address', host: ip.text, ip, port };
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  if (!isHostName(name) || !hasOnlyALabels(name)) return malformed(explainHost(name));
  return { kind: 'name', host: name.toLowerCase(), port };
}

/** Reads a host that has no brackets round an IPv6 address, as the configuration and the admin API spell it. */
export function destinationAt({ host, port }: Pick<Destination, 'host' | 'port'>): Destination | MalformedDestination {
  return parseDestination(uriHost(host), port);
}

/** `host:port`, with brackets round IPv6. */
export function destinationText(destination: Pick<Destination, 'host' | 'port'>): string {
  return authorityText(destination);
}

function parseBracketed(host: string, port: number): Destination | MalformedDestination {
  const literal = host.slice(1, -1);
  if (!host.endsWith(']')) return malformed('the bracket round the host is not closed');
  // A zone names one of our own links. It is not part of an address on the wire (RFC 6874 §3).
  if (/^[0-9a-f:.]+%/i.test(literal)) return malformed('an IPv6 address with a zone is no destination');
  const ip = literal.includes(':') ? parseIp(literal) : undefined;
  if (!ip) return malformed('brackets hold an IPv6 address and nothing else');
  return { kind: 'address', host: ip.text, ip, port };
}

/** True where every label that begins as an A-label is one: it is the same after conversion to Unicode and back (RFC 5891 §5.4). */
function hasOnlyALabels(name: string): boolean {
  if (!/xn--/i.test(name)) return true;
  const claims = name
    .toLowerCase()
    .split('.')
    .filter((label) => label.startsWith('xn--'));
  return claims.every(isALabel);
}

/** What is not an A-label is returned empty by some versions of Node.js, and unchanged by others. */
function isALabel(label: string): boolean {
  const unicode = domainToUnicode(label);
  return unicode !== label && domainToASCII(unicode) === label;
}

/** For a text that is not a host name: which rule it breaks, and what to write instead where that is known. */
function explainHost(name: string): string {
  if (name === '') return 'the host is empty';
  // eslint-disable-next-line no-control-regex -- exactly the characters outside of ASCII
  if (/[^\x00-\x7f]/.test(name)) return explainUnicode(name);
  const stray = /[^a-z0-9_.-]/i.exec(name)?.[0];
  if (stray === ':' && parseIp(name)) return 'an IPv6 address is written in brackets';
  if (stray !== undefined) return `the host holds a character that no name has (${codePoint(stray)})`;
  if (name.length > MAX_NAME_LENGTH) return `the host name is longer than ${MAX_NAME_LENGTH} characters`;
  if (endsInNumber(name)) return explainNumber(name);
  return explainLabels(name.split('.'));
}

function explainUnicode(name: string): string {
  // Punycode takes quadratic time, and the name may fill a whole request head.
  const hint = name.length <= MAX_NAME_LENGTH ? parseDestination(domainToASCII(name), 0) : undefined;
  if (hint === undefined || hint.kind === 'malformed') return 'the host holds characters outside of ASCII';
  return `the host holds characters outside of ASCII; write ${hint.host}`;
}

function explainNumber(name: string): string {
  const ip = readLegacyIpv4(name);
  return ip ? `an IP address is written in full; write ${ip.text}` : 'a host name does not end in a number';
}

function explainLabels(labels: readonly string[]): string {
  if (labels.includes('')) return 'the host name has an empty label';
  if (labels.some((label) => label.length > 63)) return 'the host name has a label longer than 63 characters';
  return 'the host name has an xn-- label that is no A-label (RFC 5890)';
}

function codePoint(character: string): string {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function malformed(why: string): MalformedDestination {
  return { kind: 'malformed', why };
}
