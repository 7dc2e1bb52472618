/** The result of a look-up. */
import type { Ip } from '@sallyport/addresses';

/** The addresses of a name, in dialling order; or why there are none. `detail` completes "example.org does not resolve: …". */
export type Answer =
  | {
      readonly kind: 'addresses';
      readonly addresses: readonly Ip[];
      /** Set while one family has not answered. No result is final before {@link Rest.ask} was called. */
      readonly rest?: Rest;
      /** Set where the servers have failed, and these are addresses that they gave before. */
      readonly failure?: Failure;
    }
  | Failure;

export interface Failure {
  readonly kind: 'failed';
  /** `overload`: we lack descriptors for a query, and no server was asked. */
  readonly reason: 'dns' | 'dns_timeout' | 'overload';
  readonly detail: string;
  readonly rcode?: Rcode | undefined;
}

/**
 * From the one that says least to the one that says most: silence, what a server says, our own lack of descriptors. The last one must not
 * be hidden, for no server is at fault.
 */
const TELLING: readonly Failure['reason'][] = ['dns_timeout', 'dns', 'overload'];

/** Of two failures the one that says more; the first where both say as much. */
export function moreTelling(one: Failure, other: Failure): Failure {
  return TELLING.indexOf(other.reason) > TELLING.indexOf(one.reason) ? other : one;
}

/** The part of an answer that is still missing. */
export interface Rest {
  readonly missing: RecordType;
  /** Its query is under way. Otherwise its query has failed, and {@link ask} sends it again. */
  readonly isUnderWay: boolean;
  /** Resolves with the whole answer, at the latest at `dns.timeout`. */
  ask(client: ClientKey): Waiting<Answer>;
}

/** The client that asks: an IPv4 address or an IPv6 /64. No single client may use all look-ups. */
export type ClientKey = string | number;

/** A wait for a result that others may wait for too. */
export interface Waiting<T> {
  /** Never rejects. */
  readonly done: Promise<T>;
  /** Stops waiting: a look-up that no client waits for is cancelled. Called at most once. */
  cancel(): void;
}

/**
 * The name server's response code (RFC 1035 §4.1.1). `NOERROR` in a failure: the name exists, and has no address (NODATA, RFC 2308 §2.2).
 * Left out where no server answered. Extended errors (RFC 8914) are unknown: c-ares does not provide them.
 */
export type Rcode = 'NOERROR' | 'FORMERR' | 'SERVFAIL' | 'NXDOMAIN' | 'NOTIMP' | 'REFUSED';

/** The most addresses in an answer. A zone can have thousands for a name, but far fewer are enough to find one that answers. */
export const MAX_ADDRESSES_A_FAMILY = 64;

export type Family = 'auto' | 'ipv4' | 'ipv6';

/** The record type that holds addresses of a family. */
export type RecordType = 'A' | 'AAAA';

export const RECORD_TYPES: Record<Family, readonly RecordType[]> = { auto: ['AAAA', 'A'], ipv4: ['A'], ipv6: ['AAAA'] };

/**
 * The addresses that a family setting allows, in the order of RFC 8305 §4: IPv6 first, then alternating, each family in the order given.
 * The full sorting of RFC 6724 is left out: it needs the source address of every destination, and the race of dials has the same effect.
 */
export function orderAddresses(addresses: readonly Ip[], family: Family): readonly Ip[] {
  const ipv6 = family === 'ipv4' ? [] : addresses.filter((ip) => ip.family === 6);
  const ipv4 = family === 'ipv6' ? [] : addresses.filter((ip) => ip.family === 4);
  const ordered: Ip[] = [];
  for (let at = 0; at < Math.max(ipv6.length, ipv4.length); at++) {
    ordered.push(...ipv6.slice(at, at + 1), ...ipv4.slice(at, at + 1));
  }
  return ordered;
}

/** The answer of a table: these addresses, or a failure where none is of the wanted family. */
export function answerOf(addresses: readonly Ip[], family: Family): Answer {
  const ordered = orderAddresses(addresses, family);
  return ordered.length > 0 ? { kind: 'addresses', addresses: ordered } : NO_ADDRESS[family];
}

const noAddress = (detail: string): Failure => ({ kind: 'failed', reason: 'dns', detail, rcode: 'NOERROR' });

/** The name exists, and has no address of the wanted family. Whether it has one of the other is not known. */
export const NO_ADDRESS: Readonly<Record<Family, Failure>> = {
  auto: noAddress('it has no address'),
  ipv4: noAddress('it has no IPv4 address'),
  ipv6: noAddress('it has no IPv6 address'),
};

export const NO_NAME: Failure = { kind: 'failed', reason: 'dns', detail: 'there is no such name', rcode: 'NXDOMAIN' };
