/** The addresses of a destination that may be dialled: resolves, then permits. */
import type { Leg } from '@sallyport/tunnel-splice';
import type { TunnelRecord } from './account/tunnel-record.ts';
import type { Door } from './door.ts';
import type { DialList } from './egress/race.ts';
import type { Identified } from './frontend.ts';

/** A client whose destination is to be reached, for a tunnel or for a request. */
export interface Seeker {
  readonly client: Leg;
  readonly door: Door;
  readonly record: TunnelRecord;
}

/** A {@link Seeker} of which nothing is recorded but what decides where it goes. */
export interface WaySeeker extends Omit<Seeker, 'record'> {
  readonly record: Pick<TunnelRecord, 'clientIp' | 'isClientUnknown' | 'enter' | 'decided' | 'leavesBy' | 'remarked'>;
}

/** At once where nothing has to be resolved. Throws or rejects as {@link Door.resolve} and {@link Door.permit} do. */
export function findAddresses(
  { client, door, record }: WaySeeker,
  identified: Identified,
): DialList | Promise<DialList> {
  const { destination } = identified;
  const resolved = door.resolve(identified, client, (remark) => record.remarked(remark));
  if (!(resolved instanceof Promise)) return door.permit(resolved, destination, client);
  return resolved.then((addresses) => door.permit(addresses, destination, client));
}
