/** The addresses that this machine has now. They change: DHCP, VPNs, containers, failover. */
import { networkInterfaces } from 'node:os';
import { compileNetworks, type Ip, parseIp } from '@sallyport/addresses';
import { machineAddresses } from '@sallyport/tunnel-splice';

/** What one reading found otherwise than the one before it. */
export interface AddressChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** How addresses are read, and who is told of a change. */
export interface MachineAddressesOptions {
  /** Reads the interfaces; replaced in tests. */
  readonly read?: () => readonly string[];
  readonly nowMs?: () => number;
  /** Called after a reading that found another set of addresses than the one before it. */
  readonly onChange?: (change: AddressChange) => void;
}

/** A reading takes some 50 µs, and more with many interfaces: readings may take a thousandth of the time. */
const PAUSE_PER_READING = 1_000;
/** Between two readings, however quick they are. */
export const SHORTEST_PAUSE_MS = 100;
/** Between two readings, however slow they are: so long a new address may be unknown. */
export const LONGEST_PAUSE_MS = 2_000;
/** Of addresses that `node:os` told of once, the latest are kept: those of IPv6 privacy extensions (RFC 8981) come and go for ever. */
const MOST_SEEN = 256;

const LOOPBACK_NETWORKS = compileNetworks(['loopback']);

/** Loopback is always among them. */
export class MachineAddresses {
  readonly #read: () => readonly string[];
  readonly #nowMs: () => number;
  readonly #onChange: (change: AddressChange) => void;
  #present: ReadonlySet<string>;
  /** How long the last reading took. */
  #readingMs = 0;
  #staleAtMs = -Infinity;

  constructor({ read = createReader(), nowMs = () => performance.now(), onChange }: MachineAddressesOptions = {}) {
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

  /** Reads the interfaces, unless the last reading was a moment ago. */
  refresh(): void {
    if (this.#nowMs() < this.#staleAtMs) return;
    const before = this.#present;
    const present = this.#take(before);
    const change = {
      added: [...present].filter((one) => !before.has(one)),
      removed: [...before].filter((one) => !present.has(one)),
    };
    this.#present = present;
    if (change.added.length + change.removed.length > 0) this.#onChange(change);
  }

  #take(before: ReadonlySet<string>): ReadonlySet<string> {
    const startedAtMs = this.#nowMs();
    const addresses = this.#readOr(before);
    const endedAtMs = this.#nowMs();
    const readingMs = endedAtMs - startedAtMs;
    // The shorter of two: another process may have had the processor during one of them.
    const pauseMs = Math.min(readingMs, this.#readingMs) * PAUSE_PER_READING;
    this.#readingMs = readingMs;
    this.#staleAtMs = endedAtMs + Math.min(Math.max(pauseMs, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
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
}

function createReader(): () => readonly string[] {
  const seen = new Set<string>();
  return () => machineAddresses() ?? remember(seen, readByNode());
}

function readByNode(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address));
}

/**
 * What was seen so far, with the present addresses. Node.js leaves out an interface that is down or has no carrier, though dialling its
 * address still leads to us. So without the addon an address that was seen stays one of ours.
 */
export function remember(seen: Set<string>, present: readonly string[]): readonly string[] {
  for (const address of present) {
    // Behind the others, for it is the latest now.
    seen.delete(address);
    seen.add(address);
  }
  for (const oldest of seen) {
    if (seen.size <= MOST_SEEN) break;
    seen.delete(oldest);
  }
  return [...seen];
}
