/** What a client's first bytes inside its tunnel are: a ClientHello, or why there is none. */
import type { Leg } from '@sallyport/tunnel-splice';
import type { PrereadLimits } from './frontend.ts';
import type { HelloFacts } from './hello-facts.ts';

/** What the client's first bytes inside the tunnel were, and the bytes themselves, to be sent unchanged. */
export interface HelloInside {
  readonly found:
    /** `endsAt`: where the bytes behind the hello begin. */
    | { readonly kind: 'hello'; readonly hello: HelloFacts; readonly endsAt: number }
    /** `why` is a clause for the log. */
    | { readonly kind: 'malformed'; readonly why: string }
    | { readonly kind: 'not-tls' | 'too-large' | 'timed-out' | 'left' };
  readonly bytes: Uint8Array;
}

/** Reads a ClientHello. The program passes in the transparent door's own reader, so that there is only one. */
export type ReadHello = (
  client: Leg,
  limits: PrereadLimits,
  alreadyRead: Uint8Array,
) => HelloInside | Promise<HelloInside>;

/** Why there is no hello, for the client and the log. */
export function explainUnread(found: Exclude<HelloInside['found'], { kind: 'hello' }>): string {
  switch (found.kind) {
    case 'malformed':
      return `The ClientHello in the tunnel is malformed: ${found.why}.`;
    case 'too-large':
      return 'The ClientHello in the tunnel is larger than handshake_bytes.';
    case 'not-tls':
      return 'What came through the tunnel is not TLS.';
    case 'timed-out':
      return 'No whole ClientHello came through the tunnel in time.';
    case 'left':
      return 'The client left before it sent a ClientHello.';
  }
}
