/** What doors are made of, besides their listener. */
import type { OwnAddresses, Policy } from '@sallyport/policy';
import type { Resolver } from '@sallyport/resolver';
import type { Metrics } from '@sallyport/telemetry';
import type { Transport } from '@sallyport/tunnel-splice';
import type { Ledger } from './account/ledger.ts';
import type { Egresses } from './egress/egress.ts';
import type { ReadHello } from './hello-inside.ts';
import type { Limits } from './limits/limits.ts';
import type { Repeats } from './repeat/repeats.ts';

/** What all doors share. `limits`, `resolver`, `transport` and `metrics` outlive a reload; the rest belongs to one configuration. */
export interface DoorServices {
  readonly transport: Transport;
  readonly metrics: Metrics;
  readonly limits: Limits;
  readonly resolver: Resolver;
  readonly policy: Policy;
  readonly egresses: Egresses;
  /** Our own listening addresses, as far as they are open by now. */
  readonly bound: { readonly own: OwnAddresses };
  /** Left out where each client is decided anew. */
  readonly repeats?: Repeats | undefined;
  readonly ledger: Pick<Ledger, 'arrived' | 'hellos' | 'isDraining' | 'nextNumber' | 'tunnelsOf'>;
  /** The transparent door's reader, for the explicit door's cross-check. */
  readonly readHello: ReadHello;
}
