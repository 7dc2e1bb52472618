/** The first check of every connection: is there room for it? */
import type { Ip } from '../addresses/ip.ts';
import { TunnelError } from '../reasons.ts';
import type { LimitedListener, Limits } from './limits.ts';

/** Takes a place and returns how to give it back. Throws `overload` or `client_limit`. */
export function admitClient(limits: Limits, listener: LimitedListener, client: Ip, isDraining: boolean): () => void {
  if (isDraining) throw new TunnelError('overload', 'Sallyport is about to end and takes no new connections.');
  const admission = limits.admit(listener, client);
  if (admission.kind === 'admitted') return () => admission.release();
  const { reason } = admission;
  if (reason === 'overload') throw new TunnelError(reason, 'Sallyport has as many connections as it may have.');
  throw new TunnelError(reason, `Too many connections from ${client.text}.`, admission);
}
