/** Via: the proxies that a message has passed, by which a loop is detected (RFC 9110 §7.6.3). */
import { randomBytes } from 'node:crypto';
import { trimWhitespace } from './http/head-lines.ts';

/** The name of our kind of proxy in Via. This process recognizes itself by the comment behind it. */
export const PSEUDONYM = 'sallyport';
const OWN_COMMENT = `(${randomBytes(6).toString('hex')})`;

/** The hop that we add behind the present ones, on the way up. */
export function viaHop(version: '1.0' | '1.1'): string {
  return `${version} ${PSEUDONYM} ${OWN_COMMENT}`;
}

/** So many proxies of our kind may be passed. More are taken for a loop through other machines. */
const MAX_PASSAGES = 8;

/**
 * Why a message with this Via is in a loop; undefined where it is not.
 * @param via all fields of that name, as if they were one
 */
export function whyCircular(via: string): string | undefined {
  const hops = via.split(',').map(trimWhitespace);
  const passages = hops.filter((hop) => hop.split(/[ \t]+/, 2)[1] === PSEUDONYM);
  if (passages.some((hop) => hop.endsWith(OWN_COMMENT))) return 'The request has come back to the proxy that sent it.';
  return passages.length >= MAX_PASSAGES ? 'The request is in a loop of proxies.' : undefined;
}
