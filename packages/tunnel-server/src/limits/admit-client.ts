/** The first check of every connection: is there room for it? */
import type { Ip } from '@sallyport/addresses';
import { TunnelError } from '../reasons.ts';
import type { LimitedListener, Limits } from './limits.ts';

/** Takes a place. Throws `overload` or `client_limit`. */
export function admitClient(limits: Limits, listener: LimitedListener, client: Ip, isDraining: boolean): void {
  requireNotDraining(isDraining);
  const admission = limits.admit(listener, client);
  if (admission.kind === 'admitted') return;
  const { reason } = admission;
  if (reason === 'overload') throw new TunnelError(reason, 'Sallyport has as many connections as it may have.');
  throw new TunnelError(reason, `Too many connections from ${client.text}.`, admission);
}

/** Throws `overload` once the drain has begun: what would begin now, the end of the drain would cut. */
export function requireNotDraining(isDraining: boolean): void {
  if (isDraining) throw new TunnelError('overload', 'Sallyport is about to end and opens no new tunnels.');
}
