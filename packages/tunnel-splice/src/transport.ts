/**
 * What moves bytes, and nothing else: the one seam between the code that decides and the code that relays.
 *
 * Everything above this file knows legs, never sockets. Two implementations stand behind it (`portable/`, on
 * `node:net`, and `native/`, on epoll threads); one contract suite, `test/transport.contract.ts`, holds both.
 *
 * The life of a leg. It is born by `Listening` (a client) or by `dial` (an upstream), and has one owner at a time:
 *
 *   1. its holder calls `read` and `write`, at most one `read` at a time;
 *   2. `splice` takes both legs over, or a dial that is to `join` a client does: from then on the tunnel owns them, and the
 *      holder calls nothing on them;
 *   3. without a splice, exactly one of `close` and `reset` ends it. Both may be called at any time, any number of
 *      times, also on a leg whose other side has gone; the first call counts, and `write` after it does nothing.
 *
 * While nobody reads, the transport still does, into a bounded buffer (`READ_AHEAD_BYTES`), so that a client that leaves
 * during a look-up is noticed. What was read ahead is handed out by the next `read` or sent on by `splice`: not a byte
 * is lost, doubled or reordered. No error ever escapes as an exception or an unhandled event: each is a value below.
 */
import type { TlsIdentity } from './tls-identity.ts';
import type { TlsTrust } from './tls-trust.ts';

/** An IP literal, spelled canonically and without a zone, and a port. IPv4-mapped IPv6 is spelled as IPv4. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A point on the clock of `performance.now()`, in milliseconds. `Infinity` is never. Deadlines fire up to {@link TICK_MS} late. */
export type DeadlineMs = number;

/** The grain of every deadline, in milliseconds: one timer serves them all. */
export const TICK_MS = 50;

/** How much is read on behalf of nobody, per leg. Past it the kernel's own window holds the peer back. */
export const READ_AHEAD_BYTES = 64 * 1024;

/** How long a closed leg goes on draining its peer, so that the last words are not cut off by an RST (RFC 9112 §9.6). */
export const LINGER_MS = 2_000;

/** What `read` came back with: bytes (at least one), or why there will be none. `deadline` leaves the leg as it was. */
export type ReadResult = Uint8Array | 'end' | 'reset' | 'deadline';

/** How the other side left: FIN or RST (a connection that timed out in the kernel counts as reset). */
export type Departure = 'end' | 'reset';

/**
 * Whose doing it is that TLS failed: for want of a client's certificate that we trust; for the client does not accept ours; for another
 * reason that the client had, and told in an alert; or for what came is no TLS that can be read.
 */
export type TlsFault = 'client-certificate' | 'own-certificate' | 'alert' | 'form';

/** Whatever fails, in the handshake or behind it, ends the leg: `read` says `reset`. */
export type TlsState =
  /** Nothing has come of the peer yet. */
  | { readonly kind: 'awaited' }
  /** Its first byte is none of TLS: what it says is read, and answered, as it stands. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'under-way' }
  /**
   * `peerName` is the common name in the peer's certificate, where one was asked for and has exactly one; `authorities` are those
   * that it was held against (see {@link TlsIdentity}).
   */
  | {
      readonly kind: 'secured';
      readonly peerName?: string;
      readonly authorities?: string;
      /** When the peer's certificate expires, in milliseconds since 1970, where one was asked for. */
      readonly expiresAt?: number;
    }
  /** A listener's `identity` gave the client no handshake: what is written to it goes out in the clear. */
  | { readonly kind: 'withheld' }
  /** `why` is a clause fit for a log. */
  | { readonly kind: 'failed'; readonly why: string; readonly fault: TlsFault };

export const TLS_WITHHELD: TlsState = { kind: 'withheld' };

/** A byte stream whose other end is a client or an upstream. */
export interface Leg {
  /** The peer's address. */
  readonly remote: Address;
  /** Our end's address. */
  readonly local: Address;
  /** When it came to be: for a client, when it was accepted, which may be some milliseconds before anybody hears of it. */
  readonly bornAt: DeadlineMs;
  /** Where the client was going, at an intercepting listener: our own end's address where it was coming to us. */
  readonly original?: Address;
  /** Its introduction was unfit: it is to be closed without a word. */
  readonly refusal?: string | undefined;
  /** How TLS with the peer stands, on a client of a listener that speaks it; `read` waits for it. */
  readonly tls?: TlsState | undefined;
  /** The next bytes, at most `limitBytes` of them (the rest stays). The caller owns what it gets. */
  read(limitBytes: number, deadline: DeadlineMs): Promise<ReadResult>;
  /** Gives back what was read last: the next `read` gets it again, or the splice sends it on. */
  putBack(bytes: Uint8Array): void;
  /** Queues bytes to the peer: the few of a reply or a request head. Whoever writes more bounds it by waiting for {@link drained}. */
  write(bytes: Uint8Array): void;
  /** Resolves once the kernel has all that was written, or never will; never rejects. At most one wait at a time. */
  drained(): Promise<void>;
  /**
   * Ends in good order: sends `lastBytes` and FIN, then reads and discards what the peer still says until it ends too or
   * {@link LINGER_MS} have passed. Without that, the kernel answers unread bytes with an RST that destroys the reply on its way.
   */
  close(lastBytes?: Uint8Array): void;
  /** Ends at once with an RST. */
  reset(): void;
  /**
   * Calls `listener` once when the peer has left, at once (synchronously) if it has already; returns how to forget it.
   * Lighter than an AbortSignal, which costs two microseconds a tunnel. One listener at a time. Forgotten by `splice`.
   */
  whenGone(listener: (how: Departure) => void): () => void;
}

/** Where to listen: an IP literal and a port (0: any free one). `::` serves IPv6 alone, so that no IPv4 rule is sidestepped. */
export type Bind = Address;

/**
 * How clients come to a listener that they were not going to: netfilter rewrote their destination (`redirect`), or left it and
 * handed their packets to us all the same (`tproxy`). Either way their legs say where they were going.
 */
export type Intercept = 'redirect' | 'tproxy';

/** Who a client is that another speaks for. What is left out stays as the connection has it. */
export interface Introduction {
  readonly remote?: Address;
  readonly local?: Address;
  /** It is to be refused: why, as a clause fit for a log. */
  readonly refusal?: string;
}

export interface ListenOptions {
  /** Sees each client first, ahead of TLS: reads what its peer says of it, and no byte more. Never rejects. */
  readonly introduce?: (wire: Pick<Leg, 'read' | 'putBack'>, peer: Address) => Promise<Introduction>;
  /** An IPv6 wildcard takes IPv4 clients too, which are seen as IPv4. */
  readonly isDualStack?: boolean;
  readonly intercept?: Intercept;
  /** Descriptors of sockets that are bound already, to be used and closed in place of ones of our own; `bind` only names them. */
  readonly passed?: readonly number[];
  /**
   * Descriptors of listening sockets that are in the way of `bind`, and will be closed: the port is shared with them until then. A
   * portable transport cannot, and finds the port in use.
   */
  readonly beside?: readonly number[];
  /**
   * Asked at each connection: with it the listener speaks TLS, and a new identity holds from the next client on. Undefined:
   * this client is not worth a handshake. It is reset at once, its `tls` has failed, and it is handed out all the same.
   */
  readonly identity?: (client: Address) => TlsIdentity | undefined;
}

/** What a listener does with its clients before they are handed out. */
export type Reception = Pick<ListenOptions, 'introduce' | 'identity'>;

/** A door that is open. */
export interface Listening {
  /** The address really bound, with its real port. */
  readonly address: Address;
  /** An IPv6 socket that was passed, and takes IPv4 clients too (`ListenStream=443`). Where nobody can tell, it is taken for one. */
  readonly isDualStack: boolean;
  /** The descriptors of its sockets, for other processes to share them: true, and ours, until it is closed. */
  readonly sockets: readonly number[];
  /** From the next client on: who owns it, and how it is received. */
  serve(onClient: (client: Leg) => void, reception: Reception): void;
  /**
   * From the next client on: whoever says nothing for so long is closed, even while this thread is stalled (where the transport has
   * threads of its own). A read of such a client answers `deadline`. Infinity, as at first: nobody is.
   */
  allowSilence(ms: number): void;
  /**
   * Stops accepting. Connections already queued by the kernel are still handed to `onClient`; resolves when none is left. A socket that
   * another process shares stays open there, and its queue is theirs from then on.
   */
  close(): Promise<void>;
}

/**
 * Why a listener could not be opened. `not-transparent`: the kernel lets us not listen for other machines' addresses, or this
 * transport cannot. `other` keeps the system's own code in `cause`.
 */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly kind: 'in-use' | 'no-rights' | 'no-such-address' | 'not-transparent' | 'other';
  readonly bind: Bind;
  constructor(kind: ListenError['kind'], bind: Bind, cause: unknown) {
    super(`cannot listen on ${bind.host} port ${bind.port}: ${kind}`, { cause });
    this.kind = kind;
    this.bind = bind;
  }
}

/**
 * What became of a dial: a leg, a tunnel that is up already, or why not. A dial that was to join is `connected` where its plan's guard
 * says so. `exhausted` is our own lack of descriptors, ports or memory;
 * `cancelled` is also said of a dial that was to join a client which has left, has a tunnel by now, or was closed.
 */
export type DialResult =
  | { readonly kind: 'connected'; readonly leg: Leg }
  | { readonly kind: 'joined' }
  | {
      /** `untrusted`: TLS with the peer failed. */
      readonly kind: 'refused' | 'unreachable' | 'timeout' | 'reset' | 'untrusted' | 'exhausted' | 'cancelled';
      /** A clause fit for a log, where there is more to say. */
      readonly why?: string;
    };

export interface DialOptions {
  readonly deadline: DeadlineMs;
  /** The local address to dial from; the kernel's choice if left out. */
  readonly sourceHost?: string | undefined;
  /** `sourceHost` may be another machine's address (IP_TRANSPARENT); its answers must be routed to us. Native alone. */
  readonly isSourceForeign?: boolean;
  /** Goes out ahead of everything, TLS included; not counted. */
  readonly preface?: Uint8Array | undefined;
  /** The preface asks for an answer: that the dial has connected may be told as late as that, or some milliseconds later. */
  readonly isAnswerAwaited?: boolean | undefined;
  /** TLS is spoken with the peer, which must be known by this name. Never together with `join`. */
  readonly secure?: { readonly trust: TlsTrust; readonly peerName: string } | undefined;
  /** A leg this one will be spliced with: a transport with several threads dials where that leg lives. A hint, no more. */
  readonly near?: Leg | undefined;
  /** Splices the leg with a client at the very moment it connects, without asking anybody: the result is then `joined`. */
  readonly join?: JoinPlan | undefined;
}

/** How a stream may begin: of each byte, the bits in `mask` are as in `bytes`, which is as long and not empty. */
export interface Beginning {
  readonly bytes: Uint8Array;
  readonly mask: Uint8Array;
}

/**
 * Puts the joining off until the upstream has begun to answer `clientBytes`, which go up at once; nothing else goes either way before
 * that. Where the answer turns out to be otherwise, where either side leaves or `answerTimeoutMs` have passed, the tunnel is joined. Where
 * the answer begins so, or the client says something more before it, the result is `connected`: the holder has both legs, with all
 * that they have said still to be read, and no `reply` was sent.
 */
export interface AnswerGuard {
  /** One object for many tunnels. */
  readonly beginning: Beginning;
  readonly answerTimeoutMs: number;
}

/**
 * A tunnel that is decided, but for the address that answers first: the same plan may go to several dials. Once one has it, nothing
 * is read from the client any more but its leaving.
 */
export interface JoinPlan extends Omit<SpliceOptions, 'upstreamBytes'> {
  readonly client: Leg;
  /** Sent to the client when its tunnel is up, ahead of everything; not counted. */
  readonly reply: Uint8Array;
  /** The holder sees some answers before anything of them is relayed. */
  readonly guard?: AnswerGuard | undefined;
  /** The tunnel is up. Called once, before any end of it is told; perhaps some milliseconds after `upAt`. */
  onUp(tunnel: TunnelNumber, upstream: Address, upAt: DeadlineMs): void;
}

/** One attempt under way. `done` never rejects. */
export interface Dial {
  readonly done: Promise<DialResult>;
  /** Gives the attempt up; `done` then says `cancelled`, unless it was over already. */
  cancel(): void;
}

/** The name of a live tunnel: a small whole number, given again to another once its end was told. */
export type TunnelNumber = number;

/** Why a tunnel ended: whose FIN or RST came first, which deadline struck while it was open, or that it was `cut`. */
export type TunnelEnd =
  'client_closed' | 'upstream_closed' | 'client_reset' | 'upstream_reset' | 'idle' | 'half_close' | 'lifetime' | 'cut';

/** Bytes relayed so far, `clientBytes` and `upstreamBytes` of the options included once they are handed to the kernel. */
export interface TunnelCounts {
  readonly bytesUp: number;
  readonly bytesDown: number;
}

export interface TunnelResult extends TunnelCounts {
  readonly end: TunnelEnd;
  /** When the upstream's first byte came, on the clock of `performance.now()`; undefined if none came. */
  readonly firstByteAt: DeadlineMs | undefined;
  /** When it was over: some milliseconds may pass until that is told. */
  readonly endedAt: DeadlineMs;
  /** A clause on what TLS found wrong with the client's stream, where that ended it. */
  readonly why?: string | undefined;
}

/** Who hears how tunnels end. One may keep all of them: there is no object to a live tunnel, so that an idle one weighs nothing here. */
export interface TunnelKeeper {
  /** Called once a tunnel, when both legs are out of its hands; `tunnel` is nobody's name afterwards. Must not throw. */
  tunnelEnded(tunnel: TunnelNumber, result: TunnelResult): void;
}

export interface SpliceOptions {
  readonly keeper: TunnelKeeper;
  /** Read from the client before the splice, not sent on yet: these go up first. */
  readonly clientBytes?: Uint8Array | undefined;
  /** Read from the upstream before the splice: these go down first. */
  readonly upstreamBytes?: Uint8Array | undefined;
  /** No byte either way for so long ends the tunnel (`idle`). Infinity: never. */
  readonly idleTimeoutMs: number;
  /** After the first FIN, the other side silent for so long ends it (`half_close`). */
  readonly halfCloseTimeoutMs: number;
  /** The moment at which the tunnel ends in any case (`lifetime`). */
  readonly lifetimeDeadline: DeadlineMs;
  /**
   * A peer that has vanished without a word ends it within so long, as reset: two seconds at least. Left out: when the kernel thinks fit.
   * A portable transport without the addon has no TCP_USER_TIMEOUT, and notices only a peer to which nothing is on its way, within 11 s at least.
   */
  readonly keepAliveMs?: number;
}

export interface Transport {
  readonly name: 'portable' | 'native';
  /** Rejects with a {@link ListenError}. `onClient` owns each leg it is given; it must not throw. */
  listen(bind: Bind, onClient: (client: Leg) => void, options?: ListenOptions): Promise<Listening>;
  /** One literal address, one deadline, one attempt; with a plan to join, the tunnel too. */
  dial(address: Address, options: DialOptions): Dial;
  /**
   * Joins two legs. Bytes pass unchanged with backpressure; FIN is passed on per direction, RST as RST behind all that was said before
   * it, for as long as its reader takes some of that every {@link LINGER_MS}. It is over when both directions have ended, one leg is
   * lost or a deadline strikes. The first cause wins: an RST after a FIN, from whichever side, is not the cause.
   * Deadlines and `cut` end both legs with FIN, never RST, behind what was taken already, for {@link LINGER_MS} at most.
   */
  splice(client: Leg, upstream: Leg, options: SpliceOptions): TunnelNumber;
  /** True at any moment, of a tunnel whose end was not told yet. */
  counts(tunnel: TunnelNumber): TunnelCounts;
  /** Ends a tunnel, unless it is ending already. */
  cut(tunnel: TunnelNumber): void;
  /**
   * Ends everything still open at once and gives back what the transport holds (threads, timers). Idempotent. A splice that is still
   * alive ends as `lifetime`, a dial under way as `cancelled`.
   */
  stop(): Promise<void>;
}
