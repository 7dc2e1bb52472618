/** The addresses that this machine has now. They change: DHCP, VPNs, containers, failover. */
import { networkInterfaces } from 'node:os';
import { compileNetworks, type Ip, parseIp } from '@sallyport/addresses';

/** What one reading found otherwise than the one before it. */
export interface AddressChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export interface MachineAddressesOptions {
  /** Reads the interfaces; replaced in tests. */
  readonly read?: () => readonly string[];
  readonly nowMs?: () => number;
  /** Called after a reading that found another set of addresses than the one before it. */
  readonly onChange?: (change: AddressChange) => void;
}

/** A reading takes some 50 µs, and more with many interfaces: readings may take a thousandth of the time. */
const PAUSE_PER_READING = 1_000;
export const SHORTEST_PAUSE_MS = 100;
export const LONGEST_PAUSE_MS = 2_000;
/** Of lost addresses the latest are kept: those of IPv6 privacy extensions (RFC 8981) come and go for ever. */
const MOST_LOST = 256;

const LOOPBACK_NETWORKS = compileNetworks(['loopback']);

/** Loopback is always among them. */
export class MachineAddresses {
  readonly #read: () => readonly string[];
  readonly #nowMs: () => number;
  readonly #onChange: (change: AddressChange) => void;
  #present: ReadonlySet<string>;
  readonly #lost = new Set<string>();
  /** The last reading took so long. */
  #readingMs = 0;
  #isStaleAtMs = -Infinity;

  constructor({ read = readInterfaces, nowMs = () => performance.now(), onChange }: MachineAddressesOptions = {}) {
    this.#read = read;
    this.#nowMs = nowMs;
    this.#onChange = onChange ?? (() => undefined);
    this.#present = this.#take(new Set());
  }

  has(ip: Ip): boolean {
    if (LOOPBACK_NETWORKS.contains(ip)) return true;
    this.refresh();
    return this.#present.has(ip.text);
  }

  /**
   * An earlier reading had it, and the present one has it no more: another machine may have it now. An address that we were never seen to have
   * is not lost: a route of type `local` or IP_FREEBIND may lead it to us without an interface that has it.
   */
  hasLost(ip: Ip): boolean {
    return !this.has(ip) && this.#lost.has(ip.text);
  }

  /** Reads the interfaces, unless the last reading was a moment ago. */
  refresh(): void {
    if (this.#nowMs() < this.#isStaleAtMs) return;
    const before = this.#present;
    const present = this.#take(before);
    const change = {
      added: [...present].filter((one) => !before.has(one)),
      removed: [...before].filter((one) => !present.has(one)),
    };
    this.#present = present;
    if (change.added.length + change.removed.length === 0) return;
    this.#noteLost(change);
    this.#onChange(change);
  }

  #take(before: ReadonlySet<string>): ReadonlySet<string> {
    const startedAtMs = this.#nowMs();
    const addresses = this.#readOr(before);
    const endedAtMs = this.#nowMs();
    const readingMs = endedAtMs - startedAtMs;
    // The shorter of two: another process may have had the processor during one of them.
    const pauseMs = Math.min(readingMs, this.#readingMs) * PAUSE_PER_READING;
    this.#readingMs = readingMs;
    this.#isStaleAtMs = endedAtMs + Math.min(Math.max(pauseMs, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
    return addresses;
  }

  /** A reading needs a descriptor, which may lack just when strangers have taken them all. Then the reading before is the best there is. */
  #readOr(before: ReadonlySet<string>): ReadonlySet<string> {
    try {
      return new Set(this.#read().flatMap((text) => parseIp(text)?.text ?? []));
    } catch {
      return before;
    }
  }

  #noteLost({ added, removed }: AddressChange): void {
    for (const one of added) this.#lost.delete(one);
    for (const one of removed) this.#lost.add(one);
    for (const oldest of this.#lost) {
      if (this.#lost.size <= MOST_LOST) break;
      this.#lost.delete(oldest);
    }
  }
}

function readInterfaces(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address));
}
