/** The addresses of our own doors: dialling one of them would be a loop. */
import { embeddedIpv4, type Ip, parseIp } from '@sallyport/addresses';
import type { OwnAddresses } from '@sallyport/policy';
import type { Address } from '@sallyport/tunnel-splice';
import { MachineAddresses } from './machine-addresses.ts';

/** What is ours besides the addresses that are bound. */
export interface OwnAddressesOptions {
  /** Addresses of other machines that lead to us: dialling one of our ports there is a loop (`own_addresses`). */
  readonly elsewhere?: readonly string[];
  /** Left out: those of this machine. */
  readonly machine?: MachineAddresses;
}

/**
 * @param listening the addresses really bound, admin included; a wildcard stands for every address of its family on
 * this machine
 */
export function ownAddresses(listening: readonly Address[], options: OwnAddressesOptions = {}): OwnAddresses {
  const doors = doorsByPort(listening);
  const { machine = new MachineAddresses() } = options;
  const elsewhere = new Set(options.elsewhere?.flatMap((text) => parseIp(text)?.text ?? []));

  const isListed = (dialled: Ip): boolean => elsewhere.has(reachedBy(dialled).text);
  const isOwn = (dialled: Ip, bound: readonly Ip[]): boolean => {
    if (isListed(dialled)) return true;
    const ip = reachedBy(dialled);
    return bound.some((door) => door.text === ip.text || (isWildcard(door, ip) && machine.has(ip)));
  };
  return {
    includes(ip, port) {
      const bound = doors.get(port);
      if (!bound) return false;
      // NAT64 and the like may lead back to this machine.
      const inside = embeddedIpv4(ip)?.ip;
      return isOwn(ip, bound) || (inside !== undefined && isOwn(inside, bound));
    },
    isListed(ip, port) {
      if (elsewhere.size === 0 || !doors.has(port)) return false;
      const inside = embeddedIpv4(ip)?.ip;
      return isListed(ip) || (inside !== undefined && isListed(inside));
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
