/**
 * How this machine resolves names: we read /etc/resolv.conf and /etc/hosts ourselves, so that c-ares can query with real TTLs.
 */
import type { Ip } from '@sallyport/addresses';
import { parseHostsFile } from './hosts-file.ts';
import { createNameServers, type NameServers } from './name-servers.ts';
import { parseResolvConf } from './resolv-conf.ts';
import { WatchedFile } from './watched-file.ts';

/** The sources of names: a table that is searched first, and servers. */
export interface NameSource {
  readonly hosts: ReadonlyMap<string, readonly Ip[]>;
  readonly servers: NameServers;
}

export interface SystemFiles {
  readonly resolvConf: string;
  readonly hosts: string;
}

export const SYSTEM_FILES: SystemFiles = { resolvConf: '/etc/resolv.conf', hosts: '/etc/hosts' };

/** The files are checked no more often than this. */
const RECHECK_MS = 1000;

/** The system's names by the present content of its files. */
export class SystemNames {
  readonly #resolvConf: WatchedFile;
  readonly #hosts: WatchedFile;
  readonly #timeoutMs: number;
  readonly #onServersChanged: () => void;
  #checkedAt = -Infinity;
  #source: NameSource;

  /** @param onServersChanged called when the servers have changed: answers of the old ones may be wrong now */
  constructor(files: SystemFiles, timeoutMs: number, onServersChanged: () => void) {
    this.#resolvConf = new WatchedFile(files.resolvConf);
    this.#hosts = new WatchedFile(files.hosts);
    this.#timeoutMs = timeoutMs;
    this.#onServersChanged = onServersChanged;
    this.#source = { hosts: new Map(), ...this.#askWhom('') };
  }

  /** @param isDue the files are checked, however lately they were */
  source(now: number, isDue = false): NameSource {
    if (!isDue && now - this.#checkedAt < RECHECK_MS) return this.#source;
    const isFirst = this.#checkedAt === -Infinity;
    this.#checkedAt = now;
    const hosts = this.#hosts.readIfChanged();
    if (hosts !== undefined) this.#source = { ...this.#source, hosts: parseHostsFile(hosts) };
    const resolvConf = this.#resolvConf.readIfChanged();
    // Queries under way keep their servers.
    if (resolvConf !== undefined) {
      this.#source = { ...this.#source, ...this.#askWhom(resolvConf) };
      if (!isFirst) this.#onServersChanged();
    }
    return this.#source;
  }

  #askWhom(resolvConf: string): Omit<NameSource, 'hosts'> {
    const { servers, tryMs } = parseResolvConf(resolvConf);
    return { servers: createNameServers(servers, { timeoutMs: this.#timeoutMs, tryMs }) };
  }
}
