import { getSystemErrorName } from 'node:util';
import { loadAddon } from './load.ts';

/**
 * The IP addresses of all interfaces of this machine, those without a carrier included, which `node:os` leaves out. Undefined where there
 * is no addon. Throws where the system refuses: a reading takes a descriptor.
 */
export function machineAddresses(): readonly string[] | undefined {
  const loaded = loadAddon();
  if (loaded.kind === 'unavailable') return undefined;
  const [errno, ...addresses] = loaded.addon.machineAddresses();
  if (errno !== 0) throw new Error(`getifaddrs ${getSystemErrorName(-errno)}`);
  return addresses;
}
