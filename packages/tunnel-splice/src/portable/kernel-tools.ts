/** What Node.js cannot ask of the kernel, and the addon can where it is built. */
import { loadAddon } from '../native/load.ts';
import type { Addon } from '../native/addon.ts';

/** All of it by descriptor; a negative one is no connection, and nothing is done. */
export type KernelTools = Pick<
  Addon,
  'countUnacked' | 'hasFin' | 'isDualStack' | 'keepUrgentInline' | 'watchPeer' | 'heedWindow'
>;

/** @param addonPath another build of the addon than the one made by the project's build */
export function openKernelTools(addonPath?: string): KernelTools | undefined {
  const loaded = loadAddon(addonPath);
  return loaded.kind === 'loaded' ? loaded.addon : undefined;
}
