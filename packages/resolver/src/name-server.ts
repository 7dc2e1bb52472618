/**
 * One name server, queried through c-ares. A slow name blocks no thread of the pool, and TTLs are the server's own.
 */
import dns from 'node:dns';
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Address } from '@sallyport/tunnel-splice';
import { authorityText, parseIp, type Ip } from '@sallyport/addresses';
import { type Failure, MAX_ADDRESSES_A_FAMILY, type Rcode, type RecordType } from './answer.ts';

/** One server's reply for one record type. */
export type ServerReply =
  | { readonly kind: 'records'; readonly addresses: readonly Ip[]; readonly ttlMs: number }
  /** The name has no such record: NXDOMAIN, or NODATA (`NOERROR`). */
  | { readonly kind: 'none'; readonly rcode: 'NXDOMAIN' | 'NOERROR' }
  | Failure;

/** One query under way. */
export interface Inquiry {
  /** Never rejects. */
  readonly reply: Promise<ServerReply>;
  /** Cancels the query: no more packets are sent for it, and it fails unless it has ended. */
  abandon(): void;
}

export interface NameServer {
  /** Sends a query. Without an answer it fails as `dns_timeout`, not before `timeoutMs`. */
  ask(name: string, type: RecordType): Inquiry;
  /** Cancels every open query. */
  close(): void;
}

/** The shortest time-out of a try in c-ares. It is doubled at each try, and randomly reduced by up to half. */
const SHORTEST_TRY_MS = 250;

/** How many channels are kept for later queries. Further ones exist only while they are in use. */
const IDLE_CHANNELS = 64;

/** After how long a query without an answer is also sent by a patient channel, and how many of these one server may have. */
const PATIENT_AFTER_MS = SHORTEST_TRY_MS;
const PATIENT_CHANNELS = 256;

/**
 * Queries one server, over UDP and, when an answer is truncated, over TCP. Lost packets are sent again for at least `timeoutMs`. The
 * change to another server is not left to c-ares, which would take SERVFAIL for an answer.
 *
 * When c-ares sends a query again it closes the port of the first one, and the answer to that is lost. Over a link on which every answer
 * takes longer than a try, none would be read. So a query without an answer is soon sent by a second channel too, which waits for its
 * answer, up to the 5 s that c-ares allows.
 *
 * A channel has one query at a time: c-ares can only cancel all queries of a channel together. So each query also has a source port of
 * its own, which a forger must guess (RFC 5452 §9.2).
 */
export function createNameServer(server: Address, timeoutMs: number): NameServer {
  if (hasZone(server)) return serverThatCannotBeAsked(server);
  const idle: dns.Resolver[] = [];
  const busy = new Set<dns.Resolver>();
  const patient = new Set<dns.Resolver>();
  const tries = 2 + Math.ceil(Math.log2(timeoutMs / SHORTEST_TRY_MS + 1));

  const askRepeatedly = (name: string, type: RecordType): Inquiry => {
    const channel = idle.pop() ?? openChannel(server, { timeout: 2 * SHORTEST_TRY_MS, tries });
    busy.add(channel);
    return send(channel, { name, type }, () => {
      busy.delete(channel);
      if (idle.length < IDLE_CHANNELS) idle.push(channel);
    });
  };
  // Always a new channel: where some answers have come quickly, c-ares shortens the time-out.
  const askPatiently = (name: string, type: RecordType): Inquiry | undefined => {
    if (patient.size >= PATIENT_CHANNELS) return undefined;
    const channel = openChannel(server, { timeout: timeoutMs, tries: 1 });
    patient.add(channel);
    return send(channel, { name, type }, () => patient.delete(channel));
  };

  return {
    ask: (name, type) => joinLater(askRepeatedly(name, type), () => askPatiently(name, type)),
    close: () => {
      for (const channel of [...busy, ...patient]) channel.cancel();
    },
  };
}

/** Node.js drops the zone (RFC 4007 §11) of a server such as fe80::1%eth0, without which the kernel does not know which link is meant. */
export function hasZone({ host }: Address): boolean {
  return host.includes('%');
}

function serverThatCannotBeAsked({ host }: Address): NameServer {
  const detail = `the name server ${host} has a zone, and such a server cannot be asked; name another in dns.servers`;
  const refusal: Inquiry = { reply: Promise.resolve(failed(detail)), abandon: () => undefined };
  return { ask: () => refusal, close: () => undefined };
}

/** The first inquiry, and after {@link PATIENT_AFTER_MS} a second one beside it. The second one's failures say nothing that the first does not. */
function joinLater(first: Inquiry, askSecond: () => Inquiry | undefined): Inquiry {
  let second: Inquiry | undefined;
  const reply = new Promise<ServerReply>((resolve) => {
    const timer = setTimeout(() => {
      second = askSecond();
      void second?.reply.then((late) => {
        if (late.kind === 'failed') return;
        resolve(late);
        first.abandon();
      });
    }, PATIENT_AFTER_MS);
    void first.reply.then((soon) => {
      clearTimeout(timer);
      resolve(soon);
      second?.abandon();
    });
  });
  return { reply, abandon: () => first.abandon() };
}

function openChannel(server: Address, options: dns.ResolverOptions): dns.Resolver {
  const channel = new dns.Resolver(options);
  channel.setServers([authorityText({ ...server, host: reachedBy(server.host) })]);
  return channel;
}

/**
 * The unspecified address leads to this machine, from where the answer comes from another address than was asked. The C library takes
 * it; c-ares drops it.
 */
function reachedBy(host: string): string {
  const ip = parseIp(host);
  const isUnspecified = ip?.words.every((word) => word === 0);
  return ip && isUnspecified ? LOOPBACK[ip.family] : host;
}

const LOOPBACK: Readonly<Record<Ip['family'], string>> = { 4: '127.0.0.1', 6: '::1' };

interface Query {
  readonly name: string;
  readonly type: RecordType;
}

function send(channel: dns.Resolver, { name, type }: Query, onOver: () => void): Inquiry {
  let isOpen = true;
  const reply = new Promise<ServerReply>((resolve) => {
    const replied = (error: NodeJS.ErrnoException | null, records: readonly dns.RecordWithTtl[]): void => {
      isOpen = false;
      onOver();
      resolve(error ? readFailure(error) : readRecords(records, type));
    };
    if (type === 'A') channel.resolve4(name, { ttl: true }, replied);
    else channel.resolve6(name, { ttl: true }, replied);
  });
  const abandon = (): void => {
    if (isOpen) channel.cancel();
  };
  return { reply, abandon };
}

/**
 * Reads no more than {@link MAX_ADDRESSES_A_FAMILY}: an answer may have 4,000 records, and the client may own the zone. One that stands
 * there twice is dialled once. An AAAA record with an IPv4-mapped address counts as that IPv4 address, as everywhere.
 */
function readRecords(records: readonly dns.RecordWithTtl[], type: RecordType): ServerReply {
  const addresses = new Map<string, Ip>();
  // Node.js gives the TTL of the first 256 records only.
  let ttlSeconds = Infinity;
  for (const { address, ttl } of records) {
    const ip = parseIp(address);
    if (!ip || (type === 'A' && ip.family !== 4)) continue;
    addresses.set(ip.text, ip);
    ttlSeconds = Math.min(ttlSeconds, readTtl(ttl));
    if (addresses.size === MAX_ADDRESSES_A_FAMILY) break;
  }
  if (addresses.size === 0) return { kind: 'none', rcode: 'NOERROR' };
  const ttlMs = Number.isFinite(ttlSeconds) ? 1000 * ttlSeconds : 0;
  return { kind: 'records', addresses: [...addresses.values()], ttlMs };
}

/** The longest TTL, in seconds, is 68 years. */
const LONGEST_TTL = 0x7fffffff;

/**
 * A TTL with its highest bit set counts as 0 (RFC 2181 §8). Node.js 20 gives it as an unsigned number. Node.js 24 gives the longest TTL in
 * its place, so that counts as 0 too.
 */
function readTtl(ttlSeconds: number): number {
  return ttlSeconds >= LONGEST_TTL ? 0 : ttlSeconds;
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
      if (areDescriptorsOut()) return OUT_OF_DESCRIPTORS;
      // Also where there is no route.
      return failed('no name server can be reached at its address, over UDP or over TCP');
    case dns.CANCELLED:
      return GIVEN_UP;
    default:
      return failed(`the answer was of no use (${error.code ?? 'no code'})`);
  }
}

const OUT_OF_DESCRIPTORS: Failure = {
  kind: 'failed',
  reason: 'overload',
  detail: 'no descriptors are left to ask a name server',
};

/** c-ares does not say why it has got no socket. */
function areDescriptorsOut(): boolean {
  try {
    closeSync(openSync(devNull, 'r'));
    return false;
  } catch {
    return true;
  }
}

/** Nobody waits for the reply any more. */
export const GIVEN_UP = failed('the look-up was given up');

function failed(detail: string, rcode?: Rcode): Failure {
  return { kind: 'failed', reason: 'dns', detail, rcode };
}
