/** Queries IPv4 and IPv6 at once, and merges both into one reply. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Failure, moreTelling, orderAddresses, RECORD_TYPES, type Family, type RecordType } from './answer.ts';
import type { Inquiry, ServerReply } from './name-server.ts';

/**
 * How long an answer of one family waits for the other (RFC 8305 §3, "Resolution Delay"). Both wait: most answers come together, and late
 * addresses join the race of dials all the same.
 */
const RESOLUTION_DELAY_MS = 50;

type Records = Extract<ServerReply, { kind: 'records' }>;

/** What all servers together answered for a name. */
export type NameReply =
  | (Records & {
      /** The query that has failed, so that its addresses are not known. */
      readonly missing?: RecordType;
    })
  | (Failure & {
      /** The record type that the name does not have, as a server has said. */
      readonly lacking?: RecordType;
    })
  | Exclude<ServerReply, Records | Failure>;

export interface FamilyReplies {
  /** The family that came {@link RESOLUTION_DELAY_MS} before the other; undefined where both came without that delay. Never rejects. */
  readonly half: Promise<HalfReply | undefined>;
  /** The final reply. Never rejects. */
  readonly whole: Promise<NameReply>;
  /** Cancels the queries. */
  abandon(): void;
}

export type HalfReply = Records & { readonly missing: RecordType };

/**
 * Queries the record types of a family setting. Where one type fails and the other answers, the reply is partial. Without any address, a
 * failure counts more than "none": the failed type may have addresses.
 */
export function askFamilies(ask: (type: RecordType) => Inquiry, family: Family): FamilyReplies {
  const questions = RECORD_TYPES[family].map((type) => ({ type, inquiry: ask(type) }));
  const replies = questions.map(({ type, inquiry }) => inquiry.reply.then((reply) => ({ type, reply })));
  const whole = Promise.all(replies).then(mergeReplies);
  const halves = replies.map(async (each) => {
    const { type, reply } = await each;
    if (reply.kind === 'records' && family === 'auto') {
      await delay(RESOLUTION_DELAY_MS);
      return { ...reply, missing: otherThan(type) };
    }
    await whole;
    return undefined;
  });
  return {
    half: Promise.race([whole.then(() => undefined), ...halves]),
    whole,
    abandon: () => {
      for (const { inquiry } of questions) inquiry.abandon();
    },
  };
}

interface TypedReply {
  readonly type: RecordType;
  readonly reply: ServerReply;
}

const NONE: NameReply = { kind: 'none', rcode: 'NXDOMAIN' };

function mergeReplies(typed: readonly TypedReply[]): NameReply {
  const replies = typed.map(({ reply }) => reply);
  const records = replies.filter((reply) => reply.kind === 'records');
  if (records.length > 0) {
    const missing = typed.find(({ reply }) => reply.kind === 'failed')?.type;
    return {
      kind: 'records',
      addresses: orderAddresses(
        records.flatMap(({ addresses }) => addresses),
        'auto',
      ),
      ttlMs: Math.min(...records.map(({ ttlMs }) => ttlMs)),
      ...(missing && { missing }),
    };
  }
  const failures = replies.filter((reply) => reply.kind === 'failed');
  if (failures.length > 0) {
    const failure = failures.reduce(moreTelling);
    const lacking = typed.find(({ reply }) => reply.kind === 'none')?.type;
    return { ...failure, ...(lacking && { lacking }) };
  }
  // A name exists for all types or for none (RFC 8020 §2), but some servers answer NXDOMAIN for a type that they do not know.
  return replies.find((reply) => reply.kind === 'none' && reply.rcode === 'NOERROR') ?? NONE;
}

function otherThan(type: RecordType): RecordType {
  return type === 'A' ? 'AAAA' : 'A';
}
