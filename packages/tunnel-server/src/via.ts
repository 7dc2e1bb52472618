/** Via: the proxies that a message has passed, by which a loop is detected (RFC 9110 §7.6.3). */
import { randomBytes } from 'node:crypto';

/** What Via calls all of our kind, and by which comment this very process knows itself again. */
export const PSEUDONYM = 'sallyport';
const OWN_COMMENT = `(${randomBytes(6).toString('hex')})`;

/** What we add behind the hops that are there already, on the way up. */
export function viaHop(version: '1.0' | '1.1'): string {
  return `${version} ${PSEUDONYM} ${OWN_COMMENT}`;
}

/** A chain of proxies of our kind may be so long; beyond it, it is taken for a circle that runs through other machines. */
const MAX_PASSAGES = 8;

/** Why a message by these hops is a loop; undefined where it is none. */
export function whyCircular(hops: readonly string[]): string | undefined {
  const passages = hops.map((hop) => hop.trim()).filter((hop) => hop.split(/[ \t]+/, 2)[1] === PSEUDONYM);
  if (passages.some((hop) => hop.endsWith(OWN_COMMENT))) return 'The request has come back to the proxy that sent it.';
  return passages.length >= MAX_PASSAGES ? 'The request goes round in circles.' : undefined;
}
