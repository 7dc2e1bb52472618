/** The request to an HTTP proxy, and how its answer is read (RFC 9110 §9.3.6). */
import { destinationText } from '@sallyport/policy';
import type { DeadlineMs, Leg } from '@sallyport/tunnel-splice';
import { statusPhrase } from '../http/status-phrase.ts';
import { prereadUntil } from '../preread.ts';
import { viaHop } from '../via.ts';
import { ConnectReplyScan } from './connect-reply.ts';
import type { Credentials, ParentAnswer, ParentDestination, ParentQuestion } from './parent-question.ts';

/** For all heads of an answer together, those of 1xx included: a longer answer is a failure. */
export const REPLY_LIMIT_BYTES = 64 * 1024;

const NO_BYTES = new Uint8Array(0);

/** The end of the head is the same for every destination, and made once. */
export function askHttpParent(
  credentials: Credentials | undefined,
): (destination: ParentDestination) => ParentQuestion {
  const authorization = credentials ? `Proxy-Authorization: ${basicCredentials(credentials)}\r\n` : '';
  const end = `${viaHop('1.1')}\r\n${authorization}\r\n`;
  return (destination) => {
    const authority = destinationText(destination);
    const hops = destination.via === undefined ? '' : `${destination.via}, `;
    const head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nVia: ${hops}${end}`;
    return { opening: Buffer.from(head, 'latin1'), answer: readAnswer };
  };
}

/** RFC 7617, in UTF-8. */
export function basicCredentials({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

async function readAnswer(leg: Leg, deadline: DeadlineMs): Promise<ParentAnswer> {
  const scan = new ConnectReplyScan();
  const limits = { prereadLimitBytes: REPLY_LIMIT_BYTES, deadline };
  const { found, bytes } = await prereadUntil(leg, limits, NO_BYTES, (all) => scan.look(all));
  switch (found.kind) {
    case 'opened':
      if (bytes.length > found.headBytes) leg.putBack(bytes.subarray(found.headBytes));
      return { kind: 'opened', said: bytes.subarray(0, found.headBytes) };
    case 'refused': {
      const { status } = found;
      return { kind: 'refused', status, why: `answered ${status} ${statusPhrase(status)}`.trimEnd() };
    }
    case 'malformed':
      return { kind: 'unfit', why: `does not answer in well-formed HTTP: ${found.why}` };
    case 'too-large':
      return { kind: 'unfit', why: `answered with a head of more than ${REPLY_LIMIT_BYTES} bytes` };
    case 'timed-out':
      return { kind: 'silent' };
    case 'left':
      return bytes.length === 0 ? found : { kind: 'unfit', why: 'broke off in the middle of its answer' };
  }
}
