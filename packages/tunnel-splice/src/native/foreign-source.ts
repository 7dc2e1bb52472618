import { constants } from 'node:os';
import { loadAddon } from './load.ts';

/**
 * Whether this process has the right to dial from addresses of other machines (`isSourceForeign`). It is also true where that cannot be
 * found out, for want of a descriptor.
 */
export function mayDialFromForeign(): boolean {
  const loaded = loadAddon();
  return loaded.kind !== 'unavailable' && loaded.addon.tryForeignSource() !== constants.errno.EPERM;
}
