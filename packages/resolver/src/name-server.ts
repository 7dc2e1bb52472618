/**
 * One name server, queried through c-ares. A slow name blocks no thread of the pool, and TTLs are the server's own.
 */
import dns from 'node:dns';
import type { Address } from '@sallyport/tunnel-splice';
import { parseIp, type Ip } from '@sallyport/addresses';
import { type Answer, MAX_ADDRESSES_A_FAMILY, type Rcode, type RecordType } from './answer.ts';

/** One server's reply for one record type. */
export type ServerReply =
  | { readonly kind: 'records'; readonly addresses: readonly Ip[]; readonly ttlMs: number }
  /** The answer is that there is nothing: NXDOMAIN, or NODATA (`NOERROR`). */
  | { readonly kind: 'none'; readonly rcode: 'NXDOMAIN' | 'NOERROR' }
  | Extract<Answer, { kind: 'failed' }>;

/** One question under way. */
export interface Inquiry {
  /** Never rejects. */
  readonly reply: Promise<ServerReply>;
  /** Cancels the query: no more packets are sent for it, and it fails unless it has ended. */
  abandon(): void;
}

export interface NameServer {
  /** An unanswered question comes back as `dns_timeout`, though not before `timeoutMs`. */
  ask(name: string, type: RecordType): Inquiry;
  /** Gives up every question still open. */
  close(): void;
}

/** c-ares starts at no less than 250 ms, doubles that each try, and takes off up to half by chance. */
const SHORTEST_TRY_MS = 250;

/** Channels that are kept for the next questions; more are only there while they are needed. */
const IDLE_CHANNELS = 64;

/**
 * Asks one server, over UDP and, when an answer is truncated, over TCP. Lost packets are sent again for at least
 * `timeoutMs`; moving on to another server is not decided here, because c-ares would take SERVFAIL for an answer.
 *
 * A channel has one question at a time: c-ares gives up a channel's questions all together or not at all. Each question so has a
 * source port of its own too, which a forger must guess (RFC 5452 §9.2).
 */
export function createNameServer(server: Address, timeoutMs: number): NameServer {
  const idle: dns.Resolver[] = [];
  const busy = new Set<dns.Resolver>();
  return {
    ask: (name, type) => {
      const channel = idle.pop() ?? openChannel(server, timeoutMs);
      busy.add(channel);
      let isOpen = true;
      const reply = new Promise<ServerReply>((resolve) => {
        const replied = (error: NodeJS.ErrnoException | null, records: readonly dns.RecordWithTtl[]): void => {
          isOpen = false;
          busy.delete(channel);
          if (idle.length < IDLE_CHANNELS) idle.push(channel);
          resolve(error ? readFailure(error) : readRecords(records, type));
        };
        if (type === 'A') channel.resolve4(name, { ttl: true }, replied);
        else channel.resolve6(name, { ttl: true }, replied);
      });
      const abandon = (): void => {
        if (isOpen) channel.cancel();
      };
      return { reply, abandon };
    },
    close: () => {
      for (const channel of busy) channel.cancel();
    },
  };
}

function openChannel({ host, port }: Address, timeoutMs: number): dns.Resolver {
  const tries = 2 + Math.ceil(Math.log2(timeoutMs / SHORTEST_TRY_MS + 1));
  const channel = new dns.Resolver({ timeout: 2 * SHORTEST_TRY_MS, tries });
  channel.setServers([host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`]);
  return channel;
}

/**
 * No more than {@link MAX_ADDRESSES_A_FAMILY} are read: an answer may hold 4,000, and its owner be who asks. An AAAA record that
 * holds an IPv4-mapped address is that IPv4 address, as everywhere.
 */
function readRecords(records: readonly dns.RecordWithTtl[], type: RecordType): ServerReply {
  const addresses: Ip[] = [];
  // Node.js knows the TTL of the first 256 records alone.
  let ttlSeconds = Infinity;
  for (const { address, ttl } of records) {
    const ip = parseIp(address);
    if (!ip || (type === 'A' && ip.family !== 4)) continue;
    addresses.push(ip);
    if (ttl < ttlSeconds) ttlSeconds = ttl;
    if (addresses.length === MAX_ADDRESSES_A_FAMILY) break;
  }
  if (addresses.length === 0) return { kind: 'none', rcode: 'NOERROR' };
  // A TTL with its highest bit set counts as none (RFC 2181 §8).
  return { kind: 'records', addresses, ttlMs: Number.isFinite(ttlSeconds) ? 1000 * Math.max(0, ttlSeconds) : 0 };
}

function readFailure(error: NodeJS.ErrnoException): ServerReply {
  switch (error.code) {
    case dns.NOTFOUND:
      return { kind: 'none', rcode: 'NXDOMAIN' };
    case dns.NODATA:
      return { kind: 'none', rcode: 'NOERROR' };
    case dns.TIMEOUT:
      return { kind: 'failed', reason: 'dns_timeout', detail: 'no name server answered in time' };
    case dns.SERVFAIL:
      return failed('the name server failed (SERVFAIL)', 'SERVFAIL');
    case dns.REFUSED:
      return failed('the name server refused to answer (REFUSED)', 'REFUSED');
    case dns.FORMERR:
      return failed('the name server could not read the question (FORMERR)', 'FORMERR');
    case dns.NOTIMP:
      return failed('the name server does not answer such questions (NOTIMP)', 'NOTIMP');
    case dns.CONNREFUSED:
      return failed('there is no name server at its address');
    case dns.CANCELLED:
      return failed('the look-up was given up');
    default:
      return failed(`the answer was of no use (${error.code ?? 'no code'})`);
  }
}

function failed(detail: string, rcode?: Rcode): ServerReply {
  return { kind: 'failed', reason: 'dns', detail, rcode };
}
