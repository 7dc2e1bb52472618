/** The addresses of our own doors: dialling one of them would be a loop. */
import { networkInterfaces } from 'node:os';
import { compileNetworks, embeddedIpv4, type Ip, parseIp } from '@sallyport/addresses';
import type { OwnAddresses } from '@sallyport/policy';
import type { Address } from '@sallyport/tunnel-splice';

export interface OwnAddressesOptions {
  /** Addresses of other machines that lead to us: dialling one of our ports there is a loop (`own_addresses`). */
  readonly elsewhere?: readonly string[];
  /** Where the machine's own addresses come from; replaced in tests. */
  readonly readMachineAddresses?: () => readonly string[];
  readonly nowMs?: () => number;
}

/** How long a reading of the interfaces may be used: they change (VPNs, containers). */
export const MACHINE_ADDRESSES_TTL_MS = 5_000;

/**
 * @param listening the addresses really bound, admin included; a wildcard stands for every address of its family on
 * this machine
 */
export function ownAddresses(listening: readonly Address[], options: OwnAddressesOptions = {}): OwnAddresses {
  const doors = doorsByPort(listening);
  const isOnThisMachine = machineAddresses(options);
  const elsewhere = new Set(options.elsewhere?.flatMap((text) => parseIp(text)?.text ?? []));

  const isOwn = (dialled: Ip, bound: readonly Ip[]): boolean => {
    const ip = reachedBy(dialled);
    if (elsewhere.has(ip.text)) return true;
    return bound.some((door) => door.text === ip.text || (isWildcard(door, ip) && isOnThisMachine(ip)));
  };
  return {
    includes(ip, port) {
      const bound = doors.get(port);
      if (!bound) return false;
      // NAT64 and the like may lead back to this machine.
      const inside = embeddedIpv4(ip)?.ip;
      return isOwn(ip, bound) || (inside !== undefined && isOwn(inside, bound));
    },
  };
}

/** Dialling the unspecified address connects to loopback. */
function reachedBy(ip: Ip): Ip {
  return ip.words.every((word) => word === 0) ? LOOPBACK[ip.family] : ip;
}

const LOOPBACK: Readonly<Record<4 | 6, Ip>> = {
  4: { family: 4, text: '127.0.0.1', words: [0x7f000001] },
  6: { family: 6, text: '::1', words: [0, 0, 0, 1] },
};

function doorsByPort(listening: readonly Address[]): ReadonlyMap<number, readonly Ip[]> {
  const doors = new Map<number, Ip[]>();
  for (const { host, port } of listening) {
    const ip = parseIp(host);
    if (ip) doors.set(port, [...(doors.get(port) ?? []), ip]);
  }
  return doors;
}

/** A wildcard listener serves one family: `::` is IPv6 alone (see the transport). */
function isWildcard(door: Ip, ip: Ip): boolean {
  return door.family === ip.family && door.words.every((word) => word === 0);
}

const LOOPBACK_NETWORKS = compileNetworks(['loopback']);

function machineAddresses(options: OwnAddressesOptions): (ip: Ip) => boolean {
  const { readMachineAddresses = readInterfaces, nowMs = () => performance.now() } = options;
  let addresses: ReadonlySet<string> = new Set();
  let readAtMs = -Infinity;
  return (ip) => {
    if (LOOPBACK_NETWORKS.contains(ip)) return true;
    if (nowMs() - readAtMs >= MACHINE_ADDRESSES_TTL_MS) {
      addresses = new Set(readMachineAddresses().flatMap((text) => parseIp(text)?.text ?? []));
      readAtMs = nowMs();
    }
    return addresses.has(ip.text);
  };
}

function readInterfaces(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address));
}
