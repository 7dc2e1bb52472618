/** Kernel calls that Node.js does not offer; the addon does, where it is built. */
import { loadAddon } from '../native/load.ts';
import type { Addon } from '../native/addon.ts';

/** Each takes a descriptor. A negative one means no connection, and nothing is done. */
export type KernelTools = Pick<
  Addon,
  'countUnacked' | 'hasFin' | 'isDualStack' | 'keepUrgentInline' | 'watchPeer' | 'heedWindow'
>;

/** @param addonPath another build of the addon than the project's own */
export function openKernelTools(addonPath?: string): KernelTools | undefined {
  const loaded = loadAddon(addonPath);
  return loaded.kind === 'loaded' ? loaded.addon : undefined;
}
