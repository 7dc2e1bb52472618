/** Queries IPv4 and IPv6 at once, and merges both into one reply. */
import { setTimeout as delay } from 'node:timers/promises';
import { orderAddresses, RECORD_TYPES, type Family, type RecordType } from './answer.ts';
import type { Inquiry, ServerReply } from './name-server.ts';

/**
 * How long an answer of one family waits for the other (RFC 8305 §3, "Resolution Delay"). Either waits: most answers come together,
 * and what comes later joins the race of addresses all the same.
 */
const RESOLUTION_DELAY_MS = 50;

type Records = Extract<ServerReply, { kind: 'records' }>;

/** What all servers together say of a name. */
export type NameReply =
  | (Records & {
      /** The question that has failed, so that its addresses are not known. */
      readonly missing?: RecordType;
    })
  | Exclude<ServerReply, Records>;

export interface FamilyReplies {
  /** The family that was there {@link RESOLUTION_DELAY_MS} before the other; undefined once both are in without that. Never rejects. */
  readonly half: Promise<HalfReply | undefined>;
  /** All there is to know. Never rejects. */
  readonly whole: Promise<NameReply>;
  /** Gives the questions up. */
  abandon(): void;
}

export type HalfReply = Records & { readonly missing: RecordType };

/**
 * Asks for the record types of a family setting. One type failing while the other answers is half a success; without any
 * address, a failure counts for more than "none", since the address may be where nobody answered.
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
  const failure = failures.find((reply) => reply.reason === 'dns') ?? failures[0];
  // A name exists for all types or for none (RFC 8020 §2); some servers say NXDOMAIN for a type that they do not know.
  return failure ?? replies.find((reply) => reply.kind === 'none' && reply.rcode === 'NOERROR') ?? NONE;
}

function otherThan(type: RecordType): RecordType {
  return type === 'A' ? 'AAAA' : 'A';
}
