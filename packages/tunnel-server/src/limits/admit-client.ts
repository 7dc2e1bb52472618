/** The first check of every connection: do the limits admit it? */
import type { Ip } from '@sallyport/addresses';
import { TunnelError } from '../reasons.ts';
import type { Limits } from './limits.ts';
import type { Admission } from './refuse.ts';
import type { LimitedListener } from './scopes.ts';

/** Takes a place. Throws `overload` or `client_limit`. Where the limits are shared it may reject with them. */
export function admitClient(
  limits: Limits,
  listener: LimitedListener,
  client: Ip,
  isDraining: boolean,
): Promise<void> | undefined {
  requireNotDraining(isDraining);
  return settle(limits.admit(listener, client), client);
}

/** For a further request of an admitted client. Throws `overload` or `client_limit`, or rejects with them where the limits are shared. */
export function admitNextRequest(
  limits: Limits,
  listener: LimitedListener,
  client: Ip,
  isDraining: boolean,
): Promise<void> | undefined {
  requireNotDraining(isDraining);
  return settle(limits.admitNext(listener, client), client);
}

function settle(admission: Admission | Promise<Admission>, client: Ip): Promise<void> | undefined {
  if (admission instanceof Promise) return admission.then((answer) => requireAdmitted(answer, client));
  requireAdmitted(admission, client);
  return undefined;
}

function requireAdmitted(admission: Admission, client: Ip): void {
  if (admission.kind === 'admitted') return;
  const { reason } = admission;
  if (reason === 'overload') throw new TunnelError(reason, 'Sallyport has as many connections as it may have.');
  throw new TunnelError(reason, `Too many connections from ${client.text}.`, admission);
}

/** Throws `overload` once the drain has begun: a new tunnel would be cut at its end. */
export function requireNotDraining(isDraining: boolean): void {
  if (isDraining) throw new TunnelError('overload', 'Sallyport is about to end and opens no new tunnels.');
}
