/**
 * Moves bytes, and nothing else. It separates the code that decides from the code that relays.
 *
 * Code above this file uses legs, never sockets. There are two implementations (`portable/`, on `node:net`, and `native/`, on epoll
 * threads). Both must pass one contract suite, `test/transport.contract.ts`.
 *
 * The life of a leg. It is made by `Listening` (a client) or by `dial` (an upstream), and has one owner at a time:
 *
 *   1. its holder calls `read` and `write`, at most one `read` at a time;
 *   2. `splice` takes both legs, or a dial with a plan to `join` takes a client: from then on the tunnel owns them, and the
 *      holder calls nothing on them;
 *   3. without a splice, exactly one of `close` and `reset` ends it. Both may be called at any time, any number of
 *      times, also on a leg whose other side has gone; the first call counts, and `write` after it does nothing.
 *
 * While its holder does not read, the transport still does, into a bounded buffer (`READ_AHEAD_BYTES`), so that a client that leaves
 * during a look-up is noticed. What was read ahead is returned by the next `read` or sent by `splice`: no byte is lost, doubled or
 * reordered. No error is an exception or an unhandled event: each is a value below.
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

/** The resolution of every deadline, in milliseconds: one timer serves them all. */
export const TICK_MS = 50;

/** How much is read ahead per leg, before its holder reads. Above it the kernel's window stops the peer. */
export const READ_AHEAD_BYTES = 64 * 1024;

/** How long a closed leg reads and discards what its peer sends, so that no RST destroys the last bytes sent (RFC 9112 §9.6). */
export const LINGER_MS = 2_000;

/** The result of `read`: bytes (at least one), or why there are none. `deadline` leaves the leg as it was. */
export type ReadResult = Uint8Array | 'end' | 'reset' | 'deadline';

/** How the other side left: FIN or RST (a connection that timed out in the kernel counts as reset). */
export type Departure = 'end' | 'reset';

/**
 * Why TLS failed: no client certificate that we trust; the client does not accept our certificate; another reason of the client, sent in
 * an alert; or what was received cannot be read as TLS.
 */
export type TlsFault = 'client-certificate' | 'own-certificate' | 'alert' | 'form';

/** Every failure, in the handshake or after it, ends the leg: `read` returns `reset`. */
export type TlsState =
  /** Nothing was received from the peer yet. */
  | { readonly kind: 'awaited' }
  /** Its first byte is not TLS: what it sends is read, and answered, without TLS. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'under-way' }
  /**
   * `peerName` is the common name in the peer's certificate, where one was asked for and has exactly one. `authorities` are those that it
   * was checked against (see {@link TlsIdentity}).
   */
  | {
      readonly kind: 'secured';
      readonly peerName?: string;
      readonly authorities?: string;
      /** When the peer's certificate expires, in milliseconds since 1970, where one was asked for. */
      readonly expiresAt?: number;
    }
  /** A listener's `identity` allowed the client no handshake: what is written to it is sent unencrypted. */
  | { readonly kind: 'withheld' }
  /** `why` is a clause fit for a log. */
  | { readonly kind: 'failed'; readonly why: string; readonly fault: TlsFault };

/** One object for all of these clients, who may be many. */
export const TLS_WITHHELD: TlsState = { kind: 'withheld' };

/** A byte stream whose other end is a client or an upstream. */
export interface Leg {
  /** The peer's address. */
  readonly remote: Address;
  /** Our end's address. */
  readonly local: Address;
  /** When it was made. For a client: when it was accepted, which may be some milliseconds before it is reported. */
  readonly bornAt: DeadlineMs;
  /** Where the client was going, at an intercepting listener. It is our end's address where the client connected to us. */
  readonly original?: Address;
  /** What the `introduce` of its listener has returned. */
  readonly introduction?: Introduction | undefined;
  /** The state of TLS with the peer, for a client of a TLS listener, and for an upstream that was dialled with TLS; `read` waits for it. */
  readonly tls?: TlsState | undefined;
  /** The next bytes, at most `limitBytes` of them (the rest stays); at once where some have arrived. The caller owns them. */
  read(limitBytes: number, deadline: DeadlineMs): ReadResult | Promise<ReadResult>;
  /** Puts back what was read last: the next `read` returns it again, or the splice sends it. */
  putBack(bytes: Uint8Array): void;
  /** Queues bytes to the peer, such as a reply or a request head. A caller that writes more must wait for {@link drained}. */
  write(bytes: Uint8Array): void;
  /** Resolves once the kernel has taken all that was written, or never can. Never rejects. At most one wait at a time. */
  drained(): Promise<void>;
  /**
   * Ends in good order: sends `lastBytes` and FIN, then reads and discards what the peer still sends until it ends too or {@link
   * LINGER_MS} have passed. Without that, the kernel answers unread bytes with an RST that destroys the reply on its way.
   */
  close(lastBytes?: Uint8Array): void;
  /** Ends at once with an RST. */
  reset(): void;
  /**
   * Calls `listener` once when the peer has left, at once (synchronously) if it has already; or when `close` or `reset` ends the leg on
   * our side. The returned function forgets it. Cheaper than an AbortSignal, which costs two microseconds a tunnel. One listener at a
   * time. Forgotten by `splice`.
   */
  whenGone(listener: (how: Departure) => void): () => void;
}

/**
 * Where to listen: an IP literal and a port (0: any free one). `::` serves IPv6 alone, so that IPv4 clients cannot avoid a rule for IPv4.
 */
export type Bind = Address;

/**
 * How a listener gets clients that were going to another address: netfilter rewrote their destination (`redirect`), or left it and
 * delivered their packets to us (`tproxy`). In both cases their legs name where they were going.
 */
export type Intercept = 'redirect' | 'tproxy';

/** The client that a peer speaks for. An address that is left out is that of the connection. */
export interface Introduction {
  readonly remote?: Address | undefined;
  readonly local?: Address | undefined;
  /** It is to be refused, and gets no TLS handshake. */
  readonly isRefused?: boolean;
}

/** How clients are taken, besides the address. */
export interface ListenOptions {
  /**
   * Called first for each client, before TLS: reads what its peer says of it, and no byte more. Answers at once where that has arrived.
   * Never throws or rejects. A peer is undefined where it has left before its address was read, as a portable transport finds it.
   */
  readonly introduce?: (
    wire: Pick<Leg, 'read' | 'putBack'>,
    peer: Address | undefined,
  ) => Introduction | Promise<Introduction>;
  /** An IPv6 wildcard takes IPv4 clients too, which are seen as IPv4. */
  readonly isDualStack?: boolean;
  readonly intercept?: Intercept;
  /** Descriptors of bound sockets, to be used and closed in place of our own. `bind` is then only a name. */
  readonly passed?: readonly number[];
  /**
   * Descriptors of listening sockets that are bound to the same port, and will be closed: the port is shared with them until then. A
   * portable transport cannot do that, and finds the port in use.
   */
  readonly beside?: readonly number[];
  /**
   * Asked at each connection. With it the listener uses TLS, and a new identity applies from the next client on. Undefined: this client
   * gets no handshake. It is handed out all the same, with its `tls` withheld, so that it can be answered unencrypted.
   */
  readonly identity?: (client: Address) => TlsIdentity | undefined;
  /**
   * Told of each client that was closed as it came, for want of a descriptor. A portable transport is not told of them by Node.js, and
   * never calls it.
   */
  readonly onTurnedAway?: (client: Address) => void;
}

/** What a listener does with its clients before they are handed out. */
export type Reception = Pick<ListenOptions, 'introduce' | 'identity' | 'onTurnedAway'>;

/** An open listener. */
export interface Listening {
  /** The address really bound, with its real port. */
  readonly address: Address;
  /** An IPv6 socket that was passed, and takes IPv4 clients too (`ListenStream=443`). Where this is unknown, it is true. */
  readonly isDualStack: boolean;
  /** The descriptors of its sockets, for other processes to share. They stay valid, and ours, until it is closed. */
  readonly sockets: readonly number[];
  /** Sets, from the next client on, who receives clients and how they are received. */
  serve(onClient: (client: Leg) => void, reception: Reception): void;
  /**
   * From the next client on, a client that sends nothing for so long is closed, even while this thread is stalled (where the transport
   * has threads of its own). A read of such a client returns `deadline`. Infinity, the value at first, closes none.
   */
  allowSilence(ms: number): void;
  /**
   * Stops accepting. Connections already queued by the kernel are still given to `onClient`. Resolves when none is left. A socket that
   * another process shares stays open there, and that process gets what is queued from then on.
   */
  close(): Promise<void>;
}

/**
 * Why a listener could not be opened. `not-transparent`: the kernel does not let us listen for other machines' addresses, or this
 * transport cannot. `other` keeps the system's own code in `cause`.
 */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** `not-passable`: the descriptor that was passed is none of a TCP socket that listens, or can. */
  readonly kind:
    | 'in-use'
    | 'no-rights'
    | 'no-such-address'
    | 'no-ipv6'
    | 'no-descriptors'
    | 'not-transparent'
    | 'not-passable'
    | 'other';
  readonly bind: Bind;
  constructor(kind: ListenError['kind'], bind: Bind, cause: unknown) {
    super(`cannot listen on ${bind.host} port ${bind.port}: ${kind}`, { cause });
    this.kind = kind;
    this.bind = bind;
  }
}

/**
 * The result of a dial: a leg, a tunnel that is up, or why not. A dial with a plan to join is `connected` where its plan's guard says so.
 * `exhausted`: we ran out of descriptors, ports or memory. `cancelled` also stands for a dial with a plan whose client has left, was
 * closed, or has a tunnel already.
 */
export type DialResult =
  | {
      readonly kind: 'connected';
      readonly leg: Leg;
      /** The peer's `answer` has arrived and was taken out of the stream: the plan's guard returned the leg. */
      readonly isAnswered?: boolean;
    }
  | { readonly kind: 'joined' }
  | {
      /**
       * `untrusted`: TLS with the peer failed. `tls-timeout`: it was not set up at the deadline. `no-source`: this machine does not have
       * `sourceHost`.
       */
      readonly kind:
        | 'refused'
        | 'unreachable'
        | 'timeout'
        | 'reset'
        | 'untrusted'
        | 'tls-timeout'
        | 'no-source'
        | 'exhausted'
        | 'cancelled';
      /** A clause for a log, where there is more to say. */
      readonly why?: string;
    };

/** How one attempt is made. */
export interface DialOptions {
  readonly deadline: DeadlineMs;
  /** The local address to dial from; the kernel's choice if left out. */
  readonly sourceHost?: string | undefined;
  /** `sourceHost` may be another machine's address (IP_TRANSPARENT). Its answers must be routed to us. Only the native transport can. */
  readonly isSourceForeign?: boolean;
  /** Sent before everything, TLS included. Not counted. */
  readonly preface?: Uint8Array | undefined;
  /** The preface asks for an answer. So `connected` may be reported when the answer comes, or some milliseconds later. */
  readonly isAnswerAwaited?: boolean | undefined;
  /**
   * With `join`: the bytes that the peer has to send, after the preface, before the leg is joined. They are taken out of the stream. Until
   * they have arrived nothing else is sent, and nothing is read from the client. The result is `connected`, with the whole answer still to
   * be read, where other bytes arrive, where the deadline passes or the peer leaves, and where the client has sent more than
   * `clientBytes`; a transport may also return that at once. The holder then owns the client again, as after a dial that has failed, and
   * may splice it or use the same plan again.
   */
  readonly answer?: Uint8Array | undefined;
  /** TLS is used with the peer, whose certificate must have this name. Never together with `join`. */
  readonly secure?: { readonly trust: TlsTrust; readonly peerName: string } | undefined;
  /** A leg that this one will be spliced with: a transport with several threads dials on that leg's thread. Only a hint. */
  readonly near?: Leg | undefined;
  /** Splices the leg with a client at the moment it connects, with no call between. The result is then `joined`. */
  readonly join?: JoinPlan | undefined;
}

/** How a stream may begin. In each byte, the bits in `mask` are as in `bytes`. Both have the same length, which is not 0. */
export interface Beginning {
  readonly bytes: Uint8Array;
  readonly mask: Uint8Array;
}

/**
 * Puts the joining off until the upstream has begun to answer `clientBytes`, which are sent up at once. Nothing else is sent either way
 * before that. Where the answer begins otherwise, where either side leaves or `answerTimeoutMs` have passed, the tunnel is joined. It is
 * up, and its time runs, since the upstream has connected. Where the answer begins so, or the client sends more before it, the result is
 * `connected`: the holder has both legs, with all that they have sent still to be read, and no `reply` was sent.
 */
export interface AnswerGuard {
  /** One object for many tunnels. */
  readonly beginning: Beginning;
  readonly answerTimeoutMs: number;
}

/**
 * A tunnel that is decided, except for the address: the same plan may be given to several dials. Once one has it, the client is read no
 * more; only its leaving is noticed.
 */
export interface JoinPlan extends Omit<SpliceOptions, 'upstreamBytes' | 'quietMs'> {
  readonly client: Leg;
  /** Sent to the client when its tunnel is up, before everything. Not counted. */
  readonly reply: Uint8Array;
  /** The holder sees some answers before they are relayed. */
  readonly guard?: AnswerGuard | undefined;
  /** The tunnel is up. Called once, before its end is reported, and perhaps some milliseconds after `upAt`. */
  onUp(tunnel: TunnelNumber, upstream: Address, upAt: DeadlineMs): void;
  /** The client was closed, so that there is no tunnel, when `bytesUp` of its bytes were sent up. Called before the dial is over. */
  onUnjoined?(bytesUp: number): void;
}

/** All that a client sends first, and who sends the like. */
export interface Likeness {
  /** As much as `opening.mask` says of it is the same. The whole of it, no more and no less, comes with the first read. */
  readonly opening: Beginning;
  /** Where bytes stand that differ in each client. One whose bytes are those of the client before is not like it. */
  readonly nonce?: { readonly at: number; readonly length: number } | undefined;
}

/**
 * What was decided for a client, for a transport to repeat for those like it: an exact-match cache before the code that decides. A tunnel
 * is made as by a dial with a plan to join, and reported some milliseconds after it is up. Where anything else would come of the dial,
 * where the plan's guard would return the legs, and where it takes longer than `withinMs`, what was dialled is dropped, the verdict is
 * forgotten, and the client is handed out with all that it has sent, as any client is.
 */
export interface Verdict extends Likeness, Omit<SpliceOptions, 'clientBytes' | 'upstreamBytes' | 'quietMs'> {
  /** Those like it come to the same listening socket from the same host. */
  readonly client: Leg;
  /** `opening` is sent up first, as the client sent it. */
  readonly isSentUp: boolean;
  readonly reply: Uint8Array;
  readonly guard?: AnswerGuard | undefined;
  readonly address: Address;
  readonly sourceHost?: string | undefined;
  /** The most tunnels that are made by it. */
  readonly tunnels: number;
  /** For how long it holds from now on, in milliseconds: at most a day. */
  readonly holdsMs: number;
  /** In milliseconds, for the dial and for the answer each. */
  readonly withinMs: number;
  /** A tunnel is up by it. Called before its end is reported. */
  onRepeated(tunnel: TunnelNumber, repeated: Repeated): void;
  /** Called once: no tunnel will be made by it any more. `wasNoGood`: a client had to be handed out. */
  onForgotten(wasNoGood: boolean): void;
}

/** A tunnel that was made by a {@link Verdict}. Valid only during the call: one object serves all of them. */
export interface Repeated {
  readonly remotePort: number;
  readonly acceptedAt: DeadlineMs;
  readonly dialledAt: DeadlineMs;
  readonly upAt: DeadlineMs;
  /** What stood there in the client's opening. */
  readonly nonce: Uint8Array;
}

/** One attempt. Until it is over, its result is awaited as a promise, which never rejects, or by one listener: not by both. */
export interface Dial {
  readonly done: Promise<DialResult>;
  /** Calls `listener` once, at once (synchronously) if it is over. Of a tunnel that was joined it is told behind the plan's `onUp`. */
  whenDone(listener: (result: DialResult) => void): void;
  /** Cancels the attempt. Its result is then `cancelled`, unless it was over already. */
  cancel(): void;
}

/** The number of a live tunnel: a small whole number. It is used again once the tunnel's end was reported. */
export type TunnelNumber = number;

/** Why a tunnel ended: whose FIN or RST came first, which deadline passed while it was open, or that it was `cut`. */
export type TunnelEnd =
  'client_closed' | 'upstream_closed' | 'client_reset' | 'upstream_reset' | 'idle' | 'half_close' | 'lifetime' | 'cut';

/** Bytes relayed so far. `clientBytes` and `upstreamBytes` of the options count once the kernel has taken them. */
export interface TunnelCounts {
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** How a tunnel ended, and what it had relayed. */
export interface TunnelResult extends TunnelCounts {
  readonly end: TunnelEnd;
  /** When the upstream's first byte came, on the clock of `performance.now()`; undefined if none came. */
  readonly firstByteAt: DeadlineMs | undefined;
  /** When it was over. That may be reported some milliseconds later. */
  readonly endedAt: DeadlineMs;
  /** A clause on the error of TLS in the client's stream, where that ended the tunnel. */
  readonly why?: string | undefined;
}

/** Receives the ends of tunnels. One keeper may serve all of them: a live tunnel needs no object of its own. */
export interface TunnelKeeper {
  /** Called once a tunnel, when both legs are released. `tunnel` may be used again afterwards. Must not throw. */
  tunnelEnded(tunnel: TunnelNumber, result: TunnelResult): void;
}

/** What is sent first, and what ends the tunnel. */
export interface SpliceOptions {
  readonly keeper: TunnelKeeper;
  /** Read from the client before the splice and not sent yet: these are sent up first. */
  readonly clientBytes?: Uint8Array | undefined;
  /** Read from the upstream before the splice: these are sent down first. */
  readonly upstreamBytes?: Uint8Array | undefined;
  /** The tunnel ends when no byte went either way for so long (`idle`). Infinity: never. */
  readonly idleTimeoutMs: number;
  /** For so long no byte had gone either way before the splice: `idle` counts that time too. Left out: 0. */
  readonly quietMs?: number;
  /** The tunnel ends when after the first FIN the other side sent nothing for so long (`half_close`). */
  readonly halfCloseTimeoutMs: number;
  /** So long after it was up the tunnel ends in any case (`lifetime`). Infinity: never. */
  readonly lifetimeMs: number;
  /**
   * A tunnel ends within so long after a peer has vanished without FIN or RST, as reset. Two seconds at least. Left out: when the kernel
   * decides. A portable transport without the addon has no TCP_USER_TIMEOUT: it only notices a peer with nothing on its way to it, within
   * 11 s at least.
   */
  readonly keepAliveMs?: number;
}

/** All that the code that decides may do with sockets. */
export interface Transport {
  readonly name: 'portable' | 'native';
  /** Rejects with a {@link ListenError}. `onClient` owns each leg it is given. It must not throw. */
  listen(bind: Bind, onClient: (client: Leg) => void, options?: ListenOptions): Promise<Listening>;
  /** One attempt at one literal address, with one deadline. With a plan to join, it makes the tunnel too. */
  dial(address: Address, options: DialOptions): Dial;
  /**
   * Joins two legs. Bytes pass unchanged with backpressure. FIN is passed on per direction. RST is passed on as RST behind all bytes sent
   * before it, while its reader takes some of them every {@link LINGER_MS}. The tunnel is over when both directions have ended, one leg
   * is lost or a deadline has passed. The first cause wins: an RST after a FIN, from either side, is not the cause. Deadlines and `cut`
   * end both legs with FIN, never RST, behind what was taken already, for {@link LINGER_MS} at most.
   */
  splice(client: Leg, upstream: Leg, options: SpliceOptions): TunnelNumber;
  /** False where the client is not one of this transport's own. A transport may not have it. */
  remember?(verdict: Verdict): boolean;
  /**
   * From this moment on no tunnel is begun by a verdict that was remembered before. Clients whose dial is under way are handed out, before
   * the next to come.
   */
  forgetVerdicts?(): void;
  /**
   * Reports what has happened by now. While many tunnels come and go, they are reported a quarter of a second late. Not to be called by
   * whom something is reported to. A transport that is never late does not have it.
   */
  catchUp?(): void;
  /** Exact at any moment, for a tunnel whose end was not reported yet. */
  counts(tunnel: TunnelNumber): TunnelCounts;
  /** Ends a tunnel, unless it is ending already. */
  cut(tunnel: TunnelNumber): void;
  /**
   * Ends everything still open at once and releases what the transport holds (threads, timers). Idempotent. A live splice ends as
   * `lifetime`, a dial under way as `cancelled`.
   */
  stop(): Promise<void>;
}
