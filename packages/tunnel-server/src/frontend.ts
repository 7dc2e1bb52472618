/** The seam between a door and the life of a tunnel: all that differs between the doors, and no more. */
import type { DeadlineMs } from '@sallyport/tunnel-splice';
import type { Destination } from './destination.ts';
import type { HelloFacts } from './hello-facts.ts';
import type { TunnelError } from './reasons.ts';

/** What bounds the reading of a CONNECT head or a ClientHello. */
export interface PrereadLimits {
  /** No more than so many bytes of it (`limits.handshake_bytes`). */
  readonly prereadLimitBytes: number;
  readonly deadline: DeadlineMs;
}

/** Where the client wants to go, and what was read from it that the upstream must still get. */
export interface Identified {
  readonly destination: Destination;
  /** Read but not relayed: early bytes behind a CONNECT head, or the ClientHello itself. */
  readonly clientBytes: Uint8Array;
  readonly hello?: HelloFacts;
  /** Who the client proved to be, where the door asks. */
  readonly user?: string;
}

/** One client at one door, up to the moment its tunnel is spliced. Called in this order; `refuse` at most once, in place of the rest. */
export interface Frontend {
  /**
   * Reads what the client must say first. Throws a TunnelError: `malformed`, `too_large`, `handshake_timeout`, `client_closed`
   * and what else the door refuses by its form.
   * @param alreadyRead what another door read from this client before it found it misdirected
   */
  identify(limits: PrereadLimits, alreadyRead?: Uint8Array): Promise<Identified>;
  /** Tells the client that its tunnel is up. */
  establish(): void;
  /** Answers in the door's language and closes. Returns the HTTP status sent, if it was one. */
  refuse(error: TunnelError, tunnelId: string): number | undefined;
}
