/** Parses the target of a CONNECT: exactly a host and a port. */

import { parseIp } from '@sallyport/addresses';
import { type Destination, type MalformedDestination, parseDestination } from '@sallyport/policy';

/** A host as the client spelled it (an IPv6 address in its brackets), not yet judged; and a port from 1 to 65535. */
export type AuthorityForm =
  | { readonly kind: 'authority'; readonly host: string; readonly port: number }
  | { readonly kind: 'malformed'; readonly why: string };

/**
 * Reads authority-form, `host:port` (RFC 9112 §3.2.3). Whether the host is a name, an address or neither is decided by
 * `parseDestination`. Here it only has to be one piece of text that has a single meaning.
 * @param usualPort is proposed to a client that gives none
 */
export function parseAuthorityForm(text: string, usualPort = 443): AuthorityForm {
  if (text.length > MAX_LENGTH) return malformed(`the target is longer than ${MAX_LENGTH} characters`);
  if (STRAY_SIGN.test(text)) return malformed(explainStray(text));

  const colon = text.lastIndexOf(':');
  if (colon === -1 || BRACKETED.test(text)) return malformed('the target has no port');
  const host = text.slice(0, colon);
  const digits = text.slice(colon + 1);

  if (host === '') return malformed('the host is empty');
  if (!ONE_HOST.test(host)) return malformed(explainBareIpv6({ text, host, digits, usualPort }) ?? STRAY_BRACKET);
  if (digits === '') return malformed('the port is empty');
  if (!DECIMAL.test(digits)) return malformed('the port is not a decimal number');
  const port = Number(digits);
  if (port < 1 || port > 65_535) return malformed('the port is not between 1 and 65535');
  return { kind: 'authority', host, port };
}

/** The destination that a text in authority-form names. */
export function parseAuthority(text: string, usualPort?: number): Destination | MalformedDestination {
  const authority = parseAuthorityForm(text, usualPort);
  return authority.kind === 'malformed' ? authority : parseDestination(authority.host, authority.port);
}

const STRAY_BRACKET = 'the host has a colon or bracket out of place: [ ] go round an IPv6 address';

interface BareParts {
  readonly text: string;
  readonly host: string;
  readonly digits: string;
  readonly usualPort: number;
}

/** Several HTTP libraries leave the brackets out, though the port then looks like a group (RFC 3986 §3.2.2). */
function explainBareIpv6({ text, host, digits, usualPort }: BareParts): string | undefined {
  const isPort = DECIMAL.test(digits) && Number(digits) >= 1 && Number(digits) <= 65_535;
  if (isPort && parseIp(host)) return `an IPv6 address stands in brackets: write [${host}]:${digits}`;
  return parseIp(text) && `an IPv6 address stands in brackets, with the port behind them: write [${text}]:${usualPort}`;
}

/** The longest name with a port has 260. Longer targets are not parsed. */
const MAX_LENGTH = 1024;

/** One test of each target. Which sign it is, is asked only where there is one. */
const STRAY_SIGN = /[^\x21-\x7e]|[/?#@]/;

function explainStray(text: string): string {
  return STRAY_PARTS.find(({ sign }) => sign.test(text))?.why ?? STRAY_BRACKET;
}

/** Parts of other forms of a URI (RFC 3986 §3). A laxer reader would take them for a part of the host. */
const STRAY_PARTS = [
  { sign: /[^\x21-\x7e]/, why: 'the target has a space, a control character or a character outside ASCII' },
  { sign: /:\/\//, why: 'the target has a scheme' },
  { sign: /\//, why: 'the target has a path' },
  { sign: /\?/, why: 'the target has a query' },
  { sign: /#/, why: 'the target has a fragment' },
  { sign: /@/, why: 'the target has user information' },
] as const;

/** The last colon of such a target is one of the address. */
const BRACKETED = /^\[[^[\]]+\]$/;

const ONE_HOST = /^(?:\[[^[\]]+\]|[^[\]:]+)$/;

const DECIMAL = /^[0-9]+$/;

function malformed(why: string): AuthorityForm {
  return { kind: 'malformed', why };
}
