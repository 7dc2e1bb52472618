/** Which clients ask for the same: what a frontend says of the client that it has read. */
import type { Likeness } from '@sallyport/tunnel-splice';
import type { Identified } from '../frontend.ts';

/** Whoever sends the like is identified alike, but for the random of its hello. */
export interface FrontendLikeness extends Likeness {
  /** `opening` goes up with the tunnel: it is a ClientHello. */
  readonly isSentUp: boolean;
  readonly identified: Identified;
  /** `HelloFacts.random` of a hello with these bytes in the nonce's place. Left out where there is no nonce. */
  readonly randomOf?: ((nonce: Uint8Array) => number) | undefined;
}
