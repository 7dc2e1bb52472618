/** IPv4 and IPv6 asked at once, and one reply made of both. */
import { setTimeout as delay } from 'node:timers/promises';
import { orderAddresses, RECORD_TYPES, type Family, type RecordType } from './answer.ts';
import type { ServerReply } from './name-server.ts';

/** How long an answer of one family waits for the other (RFC 8305 §3, "Resolution Delay"). */
const RESOLUTION_DELAY_MS = 50;

export interface FamilyReplies {
  /** Good enough to dial: both families, or the one that is there {@link RESOLUTION_DELAY_MS} before the other. */
  readonly soon: Promise<ServerReply>;
  /** All there is to know; may come after `soon` and say more. */
  readonly whole: Promise<ServerReply>;
}

/**
 * Asks for the record types of a family setting. One type failing while the other answers is a success; without any
 * address, a failure counts for more than "none", since the address may be where nobody answered.
 */
export function askFamilies(ask: (type: RecordType) => Promise<ServerReply>, family: Family): FamilyReplies {
  const replies = RECORD_TYPES[family].map(ask);
  const whole = Promise.all(replies).then((all) => mergeReplies(all));
  const first = replies.map((reply) => reply.then((one) => waitForOther(one, whole)));
  return { soon: Promise.race([whole, ...first]), whole };
}

async function waitForOther(reply: ServerReply, whole: Promise<ServerReply>): Promise<ServerReply> {
  if (reply.kind !== 'records') return whole;
  await delay(RESOLUTION_DELAY_MS);
  return reply;
}

const NONE: ServerReply = { kind: 'none', rcode: 'NXDOMAIN' };

function mergeReplies(replies: readonly ServerReply[]): ServerReply {
  const records = replies.filter((reply) => reply.kind === 'records');
  if (records.length > 0) {
    const addresses = records.flatMap((reply) => reply.addresses);
    return {
      kind: 'records',
      addresses: orderAddresses(addresses, 'auto'),
      ttlMs: Math.min(...records.map((reply) => reply.ttlMs)),
    };
  }
  const failures = replies.filter((reply) => reply.kind === 'failed');
  const failure = failures.find((reply) => reply.reason === 'dns') ?? failures[0];
  // A name exists for all types or for none (RFC 8020 §2); some servers say NXDOMAIN for a type that they do not know.
  return failure ?? replies.find((reply) => reply.kind === 'none' && reply.rcode === 'NOERROR') ?? NONE;
}
