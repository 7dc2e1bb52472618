/** From names to addresses: tables first, then memory, then name servers. Read this first. */
import type { Address } from '@sallyport/tunnel-splice';
import { type Ip, parseIp } from '@sallyport/addresses';
import { AnswerCache, type CacheSettings } from './answer-cache.ts';
import { answerOf, type Answer, type Family, NO_ADDRESS, NO_NAME } from './answer.ts';
import { askFamilies, type FamilyReplies } from './families.ts';
import type { ServerReply } from './name-server.ts';
import { createNameServers } from './name-servers.ts';
import { RecentAddresses } from './recent-addresses.ts';
import { specialAnswer } from './special-names.ts';
import { SYSTEM_FILES, SystemNames, type NameSource, type SystemFiles } from './system-names.ts';

/** The configuration's `dns`, spelled as there; durations in milliseconds. */
export interface DnsSettings {
  /** Left out: the system's, /etc/hosts included. */
  readonly servers?: readonly Address[] | undefined;
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  readonly family: Family;
  readonly cache: CacheSettings;
  /** For a look-up as a whole, whichever servers are asked. */
  readonly timeout: number;
}

export interface ResolverOptions {
  /** Told how each look-up fared that no table answered. `negative`: it was known that there is no address. */
  readonly onCache?: (result: 'hit' | 'miss' | 'negative') => void;
  /** In place of the system's own files. */
  readonly systemFiles?: SystemFiles;
}

/** Whether a name has an address; `failed`: it cannot be told. */
export type Confirmation = { readonly kind: 'confirmed' | 'denied' } | Extract<Answer, { kind: 'failed' }>;

/** No more distinct names are asked for at once: one more would wait in vain, so it fails at once as `dns_timeout`. */
export const MAX_LOOKUPS = 4096;

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
  readonly #cache: AnswerCache;
  readonly #recent: RecentAddresses;
  readonly #source: (now: number) => NameSource;
  readonly #lookUps = new Map<string, Promise<Answer>>();
  readonly #secondLookUps = new Map<string, Promise<Answer>>();

  constructor(dns: DnsSettings, options: ResolverOptions = {}) {
    this.#dns = dns;
    this.#onCache = options.onCache;
    this.#pinned = pinHosts(dns);
    this.#cache = new AnswerCache(dns.cache);
    this.#recent = new RecentAddresses(dns.cache.entries);
    this.#source = openSource(dns, options.systemFiles ?? SYSTEM_FILES, () => this.#cache.clear());
  }

  /**
   * The answer, if it is known without asking anybody. For a remembered one nothing is allocated: every tunnel comes
   * through here.
   */
  peek(name: string): Answer | undefined {
    const now = performance.now();
    const listed = this.#inTables(name, now);
    if (listed) return listed;
    const remembered = this.#cache.get(name, now);
    if (!remembered) return specialAnswer(name, this.#dns.family);
    this.#onCache?.(remembered.kind === 'addresses' ? 'hit' : 'negative');
    return remembered;
  }

  /**
   * The answer, at the latest at `dns.timeout`; never rejects. All who ask for a name while it is looked up share one
   * look-up.
   */
  async resolve(name: string): Promise<Answer> {
    const known = this.peek(name);
    if (known) return known;
    this.#onCache?.('miss');
    return this.#lookUps.get(name) ?? this.#startLookUp(name);
  }

  /**
   * Says whether the name has this address: by any recent answer or, failing that, by one more look-up, made at once, since
   * names in front of many servers have other addresses each time. Never rejects.
   */
  async confirm(name: string, ip: Ip): Promise<Confirmation> {
    const answer = await this.resolve(name);
    if (this.#holds(answer, name, ip)) return { kind: 'confirmed' };
    if (answer.kind === 'failed') return answer;
    const isFinal = this.#inTables(name, performance.now()) ?? specialAnswer(name, this.#dns.family);
    return isFinal || !this.#holds(await this.#askAgain(name), name, ip) ? { kind: 'denied' } : { kind: 'confirmed' };
  }

  /** Gives up what is being asked; those who wait are told `dns`. */
  close(): void {
    this.#source(performance.now()).servers.close();
  }

  #inTables(name: string, now: number): Answer | undefined {
    const pinned = this.#pinned.get(name);
    if (pinned) return pinned;
    const listed = this.#source(now).hosts.get(name);
    return listed && answerOf(listed, this.#dns.family);
  }

  #holds(answer: Answer, name: string, ip: Ip): boolean {
    const isInAnswer = answer.kind === 'addresses' && answer.addresses.some(({ text }) => text === ip.text);
    return isInAnswer || this.#recent.has(name, ip);
  }

  /** Past the cache, and until both families have answered; all who doubt a name share one look-up. */
  async #askAgain(name: string): Promise<Answer> {
    if (this.#secondLookUps.size >= MAX_LOOKUPS) return TOO_MANY;
    const underWay = this.#secondLookUps.get(name);
    if (underWay) return underWay;
    const lookUp = this.#askAll(name).finally(() => this.#secondLookUps.delete(name));
    this.#secondLookUps.set(name, lookUp);
    return lookUp;
  }

  async #askAll(name: string): Promise<Answer> {
    return this.#remember(name, await this.#ask(name).whole);
  }

  async #startLookUp(name: string): Promise<Answer> {
    if (this.#lookUps.size >= MAX_LOOKUPS) return TOO_MANY;
    const lookUp = this.#lookUp(name);
    this.#lookUps.set(name, lookUp);
    try {
      return await lookUp;
    } finally {
      this.#lookUps.delete(name);
    }
  }

  async #lookUp(name: string): Promise<Answer> {
    const { soon, whole } = this.#ask(name);
    const reply = await soon;
    void whole.then((all) => all !== reply && this.#remember(name, all));
    return this.#remember(name, reply);
  }

  #ask(name: string): FamilyReplies {
    const now = performance.now();
    const { servers } = this.#source(now);
    return askFamilies((type) => servers.ask(name, type, now + this.#dns.timeout), this.#dns.family);
  }

  #remember(name: string, reply: ServerReply): Answer {
    switch (reply.kind) {
      case 'records':
        this.#recent.note(name, reply.addresses);
        return this.#cache.keep(name, reply.addresses, reply.ttlMs);
      case 'none':
        return this.#cache.keepNone(name, reply.rcode === 'NXDOMAIN' ? NO_NAME : NO_ADDRESS);
      case 'failed':
        return this.#cache.serveStale(name) ?? reply;
    }
  }
}

/** The configuration's own table. A name in it is never asked for, whatever family its addresses are of. */
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
): (now: number) => NameSource {
  if (servers) {
    const named = {
      hosts: new Map(),
      servers: createNameServers(servers, { timeoutMs: timeout }),
    };
    return () => named;
  }
  const system = new SystemNames(files, timeout, onServersChanged);
  return (now) => system.source(now);
}
