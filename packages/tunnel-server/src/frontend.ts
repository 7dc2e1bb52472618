/** The interface between a door and the life of a tunnel: it holds only what differs between the doors. */
import type { Address, DeadlineMs, Likeness } from '@sallyport/tunnel-splice';
import type { Destination } from '@sallyport/policy';
import type { HelloFacts } from './hello-facts.ts';
import type { TunnelError } from './reasons.ts';
import type { RefusedTunnel } from './refusal/problem.ts';

/** The limits for reading a CONNECT head or a ClientHello. */
export interface PrereadLimits {
  /** The most bytes that it may have (`limits.handshake_bytes`). */
  readonly prereadLimitBytes: number;
  readonly deadline: DeadlineMs;
}

/** The client's destination, and the bytes already read that the upstream must still get. */
export interface Identified {
  readonly destination: Destination;
  /** Read but not relayed: early bytes behind a CONNECT head, or the ClientHello itself. */
  readonly clientBytes: Uint8Array;
  /** The facts of the hello in `clientBytes`, where that is one. */
  readonly hello?: HelloFacts;
  /** The address that the client itself chose, at an intercepting door, where the destination was derived from it. */
  readonly original?: Address | undefined;
  /** The authenticated user, where the door asks for credentials. */
  readonly user?: string | undefined;
  /** The proxies that the request has passed, where its Via field names them (RFC 9110 §7.6.3). */
  readonly via?: string | undefined;
}

/** Plain HTTP, at a door that forwards it: each request has a destination of its own. */
export interface PlainHttp {
  readonly kind: 'http';
  /** All that was read: the first request, or its beginning. */
  readonly clientBytes: Uint8Array;
  /** The deadline for the first request's head. */
  readonly headDeadline: DeadlineMs;
  /** The client uses a proxy and names the destination in absolute-form; otherwise Host names it. */
  readonly isToProxy: boolean;
  /** The realm that a 407 names, where the door asks for credentials. */
  readonly realm?: string;
  /** Authenticates the sender of a request by its Proxy-Authorization. Throws `auth` or `client_closed`. */
  identifyUser(credentials: string | undefined, deadline: DeadlineMs): Promise<Pick<Identified, 'user'>>;
}

/** The bytes that the client gets before any byte of its destination. */
export interface Greeting {
  /** Empty at the transparent door. */
  readonly bytes: Uint8Array;
  /** The HTTP status in it, if it is one. */
  readonly status: number | undefined;
}

/** One client at one door, until its tunnel is spliced. The calls come in this order; `refuse` at most once, in place of the rest. */
export interface Frontend {
  /**
   * For a client that the limits refuse, before it is identified: reads how it wants to be answered, if it says that at once. Undefined
   * where nothing has to be awaited.
   */
  hearWishes?(limits: PrereadLimits): Promise<void> | undefined;
  /**
   * Reads what the client must send first; returns at once where it has arrived. Throws a TunnelError, or rejects with it: `malformed`,
   * `too_large`, `handshake_timeout`, `client_closed` and other refusals of its form.
   * @param alreadyRead what another door read from this client before it found it misdirected
   */
  identify(limits: PrereadLimits, alreadyRead?: Uint8Array): Identified | PlainHttp | Promise<Identified | PlainHttp>;
  /** The bytes that tell the client that its tunnel is up. Called once it is identified; a caller that sends them must not call {@link establish}. */
  greeting(): Greeting;
  /** Who asks for the same as this client. Undefined where that cannot be told. Called once the client is identified. */
  likeness?(): FrontendLikeness | undefined;
  /** Sends the greeting. From here on `refuse` only closes. */
  establish(): void;
  /** The destination that the client asked for, as soon as it was read: the client may be refused before it is identified. */
  readonly asked?: Destination | undefined;
  /** Answers in the door's protocol and closes. Returns the HTTP status that the client was answered with, if any. */
  refuse(error: TunnelError, tunnel: RefusedTunnel): number | undefined;
}

/** Which clients ask for the same as one that was read: they are identified alike, but for the random of a hello. */
export interface FrontendLikeness extends Likeness {
  /** `opening` goes up with the tunnel: it is a ClientHello. */
  readonly isSentUp: boolean;
  readonly identified: Identified;
  /** `HelloFacts.random` of a hello with these bytes in the nonce's place. Left out where there is no nonce. */
  readonly randomOf?: ((nonce: Uint8Array) => number) | undefined;
}
