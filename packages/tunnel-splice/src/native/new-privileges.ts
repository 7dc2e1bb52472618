import { getSystemErrorName } from 'node:util';
import { loadAddon } from './load.ts';

/** Whether it is set; `reason` is for the log. */
export type NewPrivilegesResult = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly reason: string };

/** Forbids programs that this process runs to gain rights. It needs the addon, but no transport. */
export function forbidNewPrivileges(): NewPrivilegesResult {
  const loaded = loadAddon();
  if (loaded.kind === 'unavailable') return { kind: 'failed', reason: loaded.reason };
  const errno = loaded.addon.forbidNewPrivileges();
  return errno === 0 ? { kind: 'done' } : { kind: 'failed', reason: getSystemErrorName(-errno) };
}
