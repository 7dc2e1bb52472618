/** The seam between a door and the life of a tunnel: all that differs between the doors, and no more. */
import type { Address, DeadlineMs } from '@sallyport/tunnel-splice';
import type { Destination } from '@sallyport/policy';
import type { HelloFacts } from './hello-facts.ts';
import type { TunnelError } from './reasons.ts';
import type { RefusedTunnel } from './refusal/problem.ts';

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
  /** Of the hello that is `clientBytes`, where it is one. */
  readonly hello?: HelloFacts;
  /** The address that the client itself chose, at an intercepting door, where the destination was derived from it. */
  readonly original?: Address | undefined;
  /** Who the client proved to be, where the door asks. */
  readonly user?: string | undefined;
  /** By which proxies the request has come, where it says (RFC 9110 §7.6.3). */
  readonly via?: string | undefined;
}

/** Plain HTTP, at a door that forwards it: no one destination, but one for each request. */
export interface PlainHttp {
  readonly kind: 'http';
  /** All that was read: the first request, or its beginning. */
  readonly clientBytes: Uint8Array;
  /** By when the first request's head has to be whole. */
  readonly headDeadline: DeadlineMs;
  /** The client knows of the proxy and names the destination in absolute-form; else by Host. */
  readonly isToProxy: boolean;
  /** What a 407 asks to log in to, where the door asks. */
  readonly realm?: string;
  /** Who sends a request with such a Proxy-Authorization. Throws `auth` or `client_closed`. */
  identifyUser(credentials: string | undefined, deadline: DeadlineMs): Promise<Pick<Identified, 'user'>>;
}

/** Goes to the client ahead of all that its destination says. */
export interface Greeting {
  /** May be none: a client that knows nothing of us is told nothing. */
  readonly bytes: Uint8Array;
  /** The HTTP status in it, if it is one. */
  readonly status: number | undefined;
}

/** One client at one door, up to the moment its tunnel is spliced. Called in this order; `refuse` at most once, in place of the rest. */
export interface Frontend {
  /**
   * Reads what the client must say first. Throws a TunnelError: `malformed`, `too_large`, `handshake_timeout`, `client_closed`
   * and what else the door refuses by its form.
   * @param alreadyRead what another door read from this client before it found it misdirected
   */
  identify(limits: PrereadLimits, alreadyRead?: Uint8Array): Promise<Identified | PlainHttp>;
  /** What tells the client that its tunnel is up. Asked once it is identified; whoever sends it needs no {@link establish}. */
  greeting(): Greeting;
  /** Sends the greeting. From here on `refuse` only closes. */
  establish(): void;
  /** Where the client asked to go, as soon as that was read: it may be refused before it is identified. */
  readonly asked?: Destination | undefined;
  /** Answers in the door's language and closes. Returns the HTTP status that the client was answered with, if any. */
  refuse(error: TunnelError, tunnel: RefusedTunnel): number | undefined;
}
