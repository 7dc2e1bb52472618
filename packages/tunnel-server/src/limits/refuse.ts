/** Why a connection is refused by the counts of its scopes; by those of all replicas where they share them. */
import type { ClientKey } from './client-key.ts';
import { isFull, rateOf, type Scopes, scopeOf } from './scopes.ts';
import type { Answer } from './shared/batch.ts';
import type { SharedLimits } from './shared/shared-limits.ts';

/** Whether a connection is admitted. */
export type Admission =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'refused'; readonly reason: 'overload' }
  | { readonly kind: 'refused'; readonly reason: 'client_limit'; readonly retryAfterSeconds: number };

/** A token is taken only for a connection that nothing else refuses, so the bucket comes last. */
export function refuse(
  client: ClientKey,
  scopes: Scopes,
  now: number,
  how: 'take' | 'ask' = 'take',
): Admission | undefined {
  return refuseByPlaces(client, scopes) ?? refuseByRate(client, scopes, now, how);
}

/** By `tunnels`, which is `overload`, and by `tunnels_per_client`. */
export function refuseByPlaces(client: ClientKey, scopes: Scopes): Admission | undefined {
  const { limits } = scopes.listener;
  if (isFull(scopes)) return { kind: 'refused', reason: 'overload' };
  if (scopeOf('tunnels_per_client', scopes).occupancy.of(client) >= limits.tunnels_per_client) return tooMany(1);
  return undefined;
}

/** By `new_per_client`. Takes a token where there is one, unless it is only asked. */
export function refuseByRate(
  client: ClientKey,
  scopes: Scopes,
  now: number,
  how: 'take' | 'ask' = 'take',
): Admission | undefined {
  const rate = rateOf(scopes);
  if (rate === Infinity) return undefined;
  const waitMs = scopeOf('new_per_client', scopes).buckets[how](client, rate, now);
  return waitMs > 0 ? tooMany(Math.ceil(waitMs / 1000)) : undefined;
}

/** Resolves with the refusal of all replicas together or, where they do not answer in time, of this one. */
export async function askReplicas(
  replicas: SharedLimits,
  client: ClientKey,
  scopes: Scopes,
  clock: () => number,
  what: 'place' | 'token' = 'place',
): Promise<Admission | undefined> {
  const places = scopeOf('tunnels_per_client', scopes);
  const answer = await replicas.ask({
    client,
    places: what === 'place' ? places : undefined,
    alsoIn: what === 'place' && places !== scopes.everywhere ? scopes.everywhere : undefined,
    placesLimit: scopes.listener.limits.tunnels_per_client,
    buckets: scopeOf('new_per_client', scopes),
    rate: rateOf(scopes),
  });
  return answer.kind === 'unknown' ? refuseByRate(client, scopes, clock()) : refusalOf(answer);
}

function refusalOf(answer: Exclude<Answer, { readonly kind: 'unknown' }>): Admission | undefined {
  return answer.kind === 'refused' ? tooMany(Math.max(1, Math.ceil(answer.waitMs / 1000))) : undefined;
}

function tooMany(retryAfterSeconds: number): Admission {
  return { kind: 'refused', reason: 'client_limit', retryAfterSeconds };
}
