/** Names that no name server is asked for. */
import { parseIp } from '@sallyport/addresses';
import { answerOf, NO_ADDRESS, type Answer, type Family } from './answer.ts';

const LOOPBACK = ['::1', '127.0.0.1'].map(parseIp).filter((ip) => ip !== undefined);

/**
 * `localhost` and what is below it is this machine (RFC 6761 §6.3); `invalid` never exists (§6.4). Undefined for every
 * other name.
 */
export function specialAnswer(name: string, family: Family): Answer | undefined {
  if (name === 'localhost' || name.endsWith('.localhost')) return answerOf(LOOPBACK, family);
  if (name === 'invalid' || name.endsWith('.invalid')) return NO_ADDRESS;
  return undefined;
}
