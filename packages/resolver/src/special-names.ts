/** Names that are never sent to a name server. */
import { parseIp } from '@sallyport/addresses';
import { answerOf, NO_NAME, type Answer, type Family } from './answer.ts';

const LOOPBACK = ['::1', '127.0.0.1'].map(parseIp).filter((ip) => ip !== undefined);

/**
 * Names that never exist in DNS and must not be queried: `invalid` (RFC 6761 §6.4), `onion` (RFC 7686 §2), `alt` (RFC 9476 §3). Other
 * special names (`local`, `internal`, `home.arpa`, `test`) are answered by the name servers of the networks that use them.
 */
const NEVER_IN_DNS = ['invalid', 'onion', 'alt'] as const;

/** `localhost` and the names below it are this machine (RFC 6761 §6.3); some names never exist. Undefined for every other name. */
export function specialAnswer(name: string, family: Family): Answer | undefined {
  if (isAtOrBelow(name, 'localhost')) return answerOf(LOOPBACK, family);
  if (NEVER_IN_DNS.some((special) => isAtOrBelow(name, special))) return NO_NAME;
  return undefined;
}

function isAtOrBelow(name: string, suffix: string): boolean {
  return name.endsWith(suffix) && (name.length === suffix.length || name.at(-suffix.length - 1) === '.');
}
