/**
 * One name server, asked through c-ares: no thread of the pool is held up by a slow name, and TTLs are the server's
 * own.
 */
import dns from 'node:dns';
import type { Address } from '@sallyport/tunnel-splice';
import { parseIp, type Ip } from '@sallyport/addresses';
import type { Answer, Rcode, RecordType } from './answer.ts';

/** What one server says of one record type. */
export type ServerReply =
  | { readonly kind: 'records'; readonly addresses: readonly Ip[]; readonly ttlMs: number }
  /** The answer is that there is nothing: NXDOMAIN, or NODATA (`NOERROR`). */
  | { readonly kind: 'none'; readonly rcode: 'NXDOMAIN' | 'NOERROR' }
  | Extract<Answer, { kind: 'failed' }>;

export interface NameServer {
  /** Never rejects. An unanswered question comes back as `dns_timeout`, though not before `timeoutMs`. */
  ask(name: string, type: RecordType): Promise<ServerReply>;
  /** Gives up every question still open. */
  close(): void;
}

/**
 * c-ares starts at what it measured of this server, at least 250 ms, doubles that each try, and takes off up to half by
 * chance.
 */
const SHORTEST_TRY_MS = 250;

/**
 * Asks one server, over UDP and, when an answer is truncated, over TCP. Lost packets are sent again for at least
 * `timeoutMs`; moving on to another server is not decided here, because c-ares would take SERVFAIL for an answer.
 */
export function createNameServer({ host, port }: Address, timeoutMs: number): NameServer {
  const tries = 2 + Math.ceil(Math.log2(timeoutMs / SHORTEST_TRY_MS + 1));
  const resolver = new dns.Resolver({ timeout: 2 * SHORTEST_TRY_MS, tries });
  resolver.setServers([host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`]);
  return {
    ask: (name, type) =>
      new Promise((resolve) => {
        const reply = (error: NodeJS.ErrnoException | null, records: readonly dns.RecordWithTtl[]): void =>
          resolve(error ? readFailure(error) : readRecords(records, type));
        if (type === 'A') resolver.resolve4(name, { ttl: true }, reply);
        else resolver.resolve6(name, { ttl: true }, reply);
      }),
    close: () => resolver.cancel(),
  };
}

/** An AAAA record that holds an IPv4-mapped address is no IPv6 host, and is passed over. */
function readRecords(records: readonly dns.RecordWithTtl[], type: RecordType): ServerReply {
  const family = type === 'A' ? 4 : 6;
  const addresses = records.flatMap((record) => {
    const ip = parseIp(record.address);
    return ip?.family === family ? [ip] : [];
  });
  if (addresses.length === 0) return { kind: 'none', rcode: 'NOERROR' };
  return { kind: 'records', addresses, ttlMs: 1000 * Math.min(...records.map((record) => record.ttl)) };
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
    default:
      return failed(`the answer was of no use (${error.code ?? 'no code'})`);
  }
}

function failed(detail: string, rcode?: Rcode): ServerReply {
  return { kind: 'failed', reason: 'dns', detail, rcode };
}
