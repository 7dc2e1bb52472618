/** Resolves names to addresses: by tables first, then by the cache, then by name servers. Read this first. */
import { isDeepStrictEqual } from 'node:util';
import type { Address } from '@sallyport/tunnel-splice';
import { type Ip, parseIp } from '@sallyport/addresses';
import { AnswerCache, type CacheSettings } from './answer-cache.ts';
import {
  answerOf,
  type Answer,
  type ClientKey,
  type Failure,
  type Family,
  NO_ADDRESS,
  NO_NAME,
  type Rest,
  type Waiting,
} from './answer.ts';
import { askFamilies, type NameReply } from './families.ts';
import { LookUp } from './look-up.ts';
import { createNameServers } from './name-servers.ts';
import { Places } from './places.ts';
import { RecentAddresses } from './recent-addresses.ts';
import { specialAnswer } from './special-names.ts';
import { SYSTEM_FILES, SystemNames, type SystemFiles } from './system-names.ts';

/** The configuration's `dns`, with the same keys; durations in milliseconds. */
export interface DnsSettings {
  /** Left out: the system's, /etc/hosts included. */
  readonly servers?: readonly Address[] | undefined;
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  readonly family: Family;
  readonly cache: CacheSettings;
  /** The time-out of a look-up as a whole, whichever servers are queried. */
  readonly timeout: number;
}

export interface ResolverOptions {
  /** Called for each look-up that no table answered. `negative`: it was known that there is no address. */
  readonly onCache?: (result: 'hit' | 'miss' | 'negative') => void;
  /** The resolver before a reload. What it knows goes on where the same servers would be asked in the same way. */
  readonly predecessor?: Resolver;
  /** Replaces the system's own files. */
  readonly systemFiles?: SystemFiles;
}

/** Whether a name has an address; `failed`: unknown. */
export type Confirmation = { readonly kind: 'confirmed' | 'denied' } | Failure;

/** The most names that are looked up at once, see {@link Places}. One more fails at once as `dns_timeout`, for it would wait too long. */
export const MAX_LOOKUPS = 4096;

/** What name servers have answered. */
interface Known {
  readonly cache: AnswerCache;
  readonly recent: RecentAddresses;
}

const TOO_MANY: Answer = {
  kind: 'failed',
  reason: 'dns_timeout',
  detail: 'too many names are being looked up already',
};

/** Resolves canonical names, one look-up at a time per name, and remembers the answers. */
export class Resolver {
  readonly #dns: DnsSettings;
  readonly #onCache: ResolverOptions['onCache'];
  readonly #pinned: ReadonlyMap<string, Answer>;
  /** Replaced when the servers change. A look-up under way stores its answer in the one that there was when it began. */
  #cache: AnswerCache;
  readonly #recent: RecentAddresses;
  readonly #source: SystemNames['source'];
  readonly #places = new Places(MAX_LOOKUPS);
  readonly #lookUps = new Map<string, LookUp>();

  constructor(dns: DnsSettings, options: ResolverOptions = {}) {
    this.#dns = dns;
    this.#onCache = options.onCache;
    this.#pinned = pinHosts(dns);
    const { predecessor, systemFiles = SYSTEM_FILES } = options;
    const known = predecessor === undefined ? undefined : predecessor.#knownFor(dns);
    this.#cache = known?.cache ?? new AnswerCache(dns.cache);
    this.#recent = known?.recent ?? new RecentAddresses(dns.cache.entries);
    this.#source = openSource(dns, systemFiles, () => this.#forget());
    // Whoever changes them from here on makes a change.
    if (known) this.#source(performance.now());
  }

  /** The answer, if it is known without a query. A cached one allocates nothing, for this runs for every tunnel. */
  peek(name: string): Answer | undefined {
    const now = performance.now();
    const listed = this.#inTables(name, now);
    if (listed) return listed;
    const remembered = this.#cache.get(name, now);
    if (!remembered) return specialAnswer(name, this.#dns.family);
    this.#onCache?.(remembered.kind === 'addresses' ? 'hit' : 'negative');
    return remembered;
  }

  /** What `peek` has returned was used once more, a moment ago: counted as another `peek`, though it may have expired since. */
  reused(name: string): void {
    if (this.#isFinal(name)) return;
    this.#cache.get(name, performance.now());
    this.#onCache?.('hit');
  }

  /**
   * For how long, in milliseconds, `peek` will return what it returned at `since`, as far as a TTL decides that; 0 where it returns
   * another answer by now.
   */
  holdsMs(name: string, since: number): number {
    return this.#isFinal(name) ? Infinity : this.#cache.leftMs(name, performance.now(), since);
  }

  /**
   * The answer, at the latest at `dns.timeout`; half of it where that comes well before the rest. All clients that ask for a name during
   * its look-up share it. It ends when all of them have left.
   */
  resolve(name: string, client: ClientKey): Waiting<Answer> {
    const known = this.peek(name);
    if (known) return settled(known);
    this.#onCache?.('miss');
    return this.#lookUp(name, client)?.wait('soon') ?? settled(TOO_MANY);
  }

  /**
   * Says whether the name has this address: by any recent answer, or else by one more look-up without the cache, since names of many
   * servers have other addresses each time.
   */
  confirm(name: string, ip: Ip, client: ClientKey): Waiting<Confirmation> {
    let waiting = this.resolve(name, client);
    let hasLeft = false;
    const unasked = this.#dns.family === UNASKED[ip.family].by ? UNASKED[ip.family].failure : undefined;
    const judge = async (): Promise<Confirmation> => {
      let answer = await waiting.done;
      for (let asksLeft = answerIsWhole(answer) ? 1 : 2; !this.#holds(answer, name, ip); asksLeft -= 1) {
        // That it has no address of the other family says nothing of this one.
        if (answer.kind === 'failed') return unasked && answer.rcode === 'NOERROR' ? unasked : answer;
        if (unasked) return unasked;
        if (hasLeft || this.#isFinal(name)) return DENIED;
        if (asksLeft === 0) return answer.failure ?? (lacks(answer.rest, ip) ? UNKNOWN : DENIED);
        waiting = this.#askAgain(name, client);
        answer = await waiting.done;
      }
      return CONFIRMED;
    };
    return {
      done: judge(),
      cancel: () => {
        hasLeft = true;
        waiting.cancel();
      },
    };
  }

  /** What a successor may use, too: undefined where these settings would lead to other answers, or keep them otherwise. */
  #knownFor({ servers, family, cache }: DnsSettings): Known | undefined {
    const own = this.#dns;
    if (!isDeepStrictEqual([servers, family, cache], [own.servers, own.family, own.cache])) return undefined;
    // The system's files are read again, for they may have changed since: then the cache is a new one.
    this.#source(performance.now(), true);
    return { cache: this.#cache, recent: this.#recent };
  }

  /** Cancels all queries; those who wait get `dns`. */
  close(): void {
    this.#source(performance.now()).servers.close();
  }

  #inTables(name: string, now: number): Answer | undefined {
    const pinned = this.#pinned.get(name);
    if (pinned) return pinned;
    const listed = this.#source(now).hosts.get(name);
    return listed && answerOf(listed, this.#dns.family);
  }

  /** No name server would be queried. */
  #isFinal(name: string): boolean {
    return (this.#inTables(name, performance.now()) ?? specialAnswer(name, this.#dns.family)) !== undefined;
  }

  #holds(answer: Answer, name: string, ip: Ip): boolean {
    const isInAnswer = answer.kind === 'addresses' && answer.addresses.some(({ text }) => text === ip.text);
    return isInAnswer || this.#recent.has(name, ip);
  }

  /** A look-up without the cache, until both families have answered. All clients that need to check a name share it. */
  #askAgain(name: string, client: ClientKey): Waiting<Answer> {
    return this.#lookUp(name, client)?.wait('whole') ?? settled(TOO_MANY);
  }

  /** Other servers may answer otherwise. Clients that ask now do not wait for those of before. */
  #forget(): void {
    this.#cache = new AnswerCache(this.#dns.cache);
    this.#lookUps.clear();
  }

  /** The look-up under way, or a new one; undefined where the client has no place for one more. */
  #lookUp(name: string, client: ClientKey): LookUp | undefined {
    const now = performance.now();
    const { servers } = this.#source(now);
    const underWay = this.#lookUps.get(name);
    if (underWay && !underWay.isAbandoned) return underWay;
    if (!this.#places.take(client)) return undefined;
    const deadline = now + this.#dns.timeout;
    const replies = askFamilies((type) => servers.ask(name, type, deadline), this.#dns.family);
    const cache = this.#cache;
    const lookUp = new LookUp(replies, (reply) => this.#remember(name, reply, cache));
    this.#lookUps.set(name, lookUp);
    void lookUp.whole.then(() => {
      this.#places.leave(client);
      if (this.#lookUps.get(name) === lookUp) this.#lookUps.delete(name);
    });
    return lookUp;
  }

  #remember(name: string, reply: NameReply, cache: AnswerCache): Answer {
    switch (reply.kind) {
      case 'records': {
        const { addresses, ttlMs, missing } = reply;
        this.#recent.note(name, addresses);
        if (!missing) return cache.keep(name, { addresses, ttlMs });
        const ask = (client: ClientKey): Waiting<Answer> => this.#askAgain(name, client);
        return cache.keep(name, { addresses, ttlMs, rest: { missing, isUnderWay: false, ask } });
      }
      case 'none':
        return cache.keepNone(name, reply.rcode === 'NXDOMAIN' ? NO_NAME : NO_ADDRESS[this.#dns.family]);
      case 'failed': {
        const { lacking, ...failure } = reply;
        return cache.serveStale(name, failure, lacking) ?? failure;
      }
    }
  }
}

const CONFIRMED: Confirmation = { kind: 'confirmed' };
const DENIED: Confirmation = { kind: 'denied' };
const UNKNOWN: Confirmation = {
  kind: 'failed',
  reason: 'dns',
  detail: 'not all of its addresses could be looked up',
};

const unaskedFailure = (family: 'IPv4' | 'IPv6'): Failure => ({
  kind: 'failed',
  reason: 'dns',
  detail: `its ${family} addresses are not looked up, by dns.family`,
});

/** For an address of each family: by which `dns.family` no name server, and no table, is asked for such addresses. */
const UNASKED = {
  4: { by: 'ipv6', failure: unaskedFailure('IPv4') },
  6: { by: 'ipv4', failure: unaskedFailure('IPv6') },
} as const;

/** Waits for a half answer under way. A missing half is then queried again. */
function answerIsWhole(answer: Answer): boolean {
  return answer.kind !== 'addresses' || !answer.rest?.isUnderWay;
}

/** Whether the address may be in the rest. */
function lacks(rest: Rest | undefined, { family }: Ip): boolean {
  return rest?.missing === (family === 4 ? 'A' : 'AAAA');
}

function settled<T>(value: T): Waiting<T> {
  return { done: Promise.resolve(value), cancel: () => undefined };
}

/** The configuration's own table. A name in it is never queried, whatever family its addresses are of. */
function pinHosts({ hosts, family }: DnsSettings): ReadonlyMap<string, Answer> {
  return new Map(
    Object.entries(hosts).map(([name, literals]) => {
      const addresses = literals.map(parseIp).filter((ip) => ip !== undefined);
      return [name.toLowerCase().replace(/\.$/, ''), answerOf(addresses, family)];
    }),
  );
}

function openSource(
  { servers, timeout }: DnsSettings,
  files: SystemFiles,
  onServersChanged: () => void,
): SystemNames['source'] {
  if (servers) {
    const named = {
      hosts: new Map(),
      servers: createNameServers(servers, { timeoutMs: timeout }),
    };
    return () => named;
  }
  const system = new SystemNames(files, timeout, onServersChanged);
  return (now, isDue) => system.source(now, isDue);
}
