import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import {
  ListenError,
  TLS_WITHHELD,
  type Address,
  type Bind,
  type Intercept,
  type Leg,
  type Listening,
  type ListenOptions,
} from '../transport.ts';
import type { DataPlane } from './data-plane.ts';
import type { AcceptedClient } from './event-reader.ts';
import { toSpan } from './dials.ts';
import type { NativeLeg } from './leg.ts';
import type { PortableSide } from './portable-side.ts';
import { COMMAND, INTERCEPTIONS } from './wire.ts';

interface OpenListener {
  readonly address: Address;
  readonly onClient: (client: Leg) => void;
  readonly intercept: Intercept | undefined;
  readonly introduce: ListenOptions['introduce'];
  /** With it, clients speak TLS. */
  readonly identity: ListenOptions['identity'];
  /** What will still bring a client: data threads with a socket of it, and clients whose descriptors are on their way here. */
  sources: number;
  readonly closed: Promise<void>;
  readonly resolveClosed: () => void;
}

/** The doors that are open: each has one socket on every data thread. */
export class Listeners {
  readonly #plane: DataPlane;
  readonly #portable: PortableSide;
  readonly #open = new Map<number, OpenListener>();
  #nextId = 1;

  constructor(plane: DataPlane, portable: PortableSide) {
    this.#plane = plane;
    this.#portable = portable;
  }

  open(bind: Bind, onClient: (client: Leg) => void, options: ListenOptions): Listening {
    const { intercept, introduce, identity, passed = -1, isDualStack: isToBeDual = false } = options;
    const id = this.#nextId++;
    // Asked first: what was passed is another descriptor afterwards.
    const isDualStack = passed >= 0 ? this.#plane.addon.isDualStack(passed) === 1 : isToBeDual;
    const how = INTERCEPTIONS.indexOf(intercept ?? 'none');
    const [errno, port, host] = this.#plane.addon.listen(id, bind.host, bind.port, how, passed, isDualStack);
    if (errno !== 0) throw toListenError(bind, errno, intercept);
    const { promise: closed, resolve: resolveClosed } = withResolver();
    const sources = this.#plane.threads;
    const listener = {
      address: { host, port },
      onClient,
      intercept,
      introduce,
      identity,
      sources,
      closed,
      resolveClosed,
    };
    this.#open.set(id, listener);
    this.#plane.opened();
    return {
      address: listener.address,
      isDualStack,
      allowSilence: (ms) => this.#allowSilence(id, ms),
      close: () => this.#close(id, listener),
    };
  }

  /** A client has come; it may have spoken already. */
  accepted(client: AcceptedClient): void {
    const listener = this.#open.get(client.listener);
    if (listener === undefined) return;
    const { localHost: host, localPort: port } = client;
    const remote = { host: client.remoteHost, port: client.remotePort };
    const local = host === '' ? listener.address : { host, port };
    const leg = this.#plane.addLeg(client, remote, local, performance.now() - client.acceptedMsAgo);
    if (listener.intercept !== undefined) leg.original = originalOf(client, leg);
    if (client.bytes.length > 0) leg.receive(client.bytes);
    if (listener.introduce === undefined) this.#handOut(client.listener, listener, leg);
    else void this.#introduce(client.listener, listener, leg, listener.introduce);
  }

  async #introduce(
    id: number,
    listener: OpenListener,
    leg: NativeLeg,
    introduce: NonNullable<ListenOptions['introduce']>,
  ): Promise<void> {
    listener.sources += 1;
    const { remote, local, refusal } = await introduce(leg, leg.remote);
    if (remote !== undefined) leg.remote = remote;
    if (local !== undefined) leg.local = local;
    if (refusal !== undefined) leg.refusal = refusal;
    this.#handOut(id, listener, leg);
    this.#lose(id, listener);
  }

  #handOut(id: number, listener: OpenListener, leg: NativeLeg): void {
    const { identity } = listener;
    if (identity === undefined || leg.refusal !== undefined) listener.onClient(leg);
    else if (identity(leg.remote) === undefined) turnAway(leg, listener);
    else this.#secure(id, listener, leg, identity);
  }

  /** One of its sockets is closed, and every client that was queued on it has been handed out. */
  socketClosed(id: number): void {
    const listener = this.#open.get(id);
    if (listener !== undefined) this.#lose(id, listener);
  }

  stop(): void {
    for (const [id, listener] of this.#open) this.#finish(id, listener);
  }

  #allowSilence(id: number, ms: number): void {
    for (let thread = 0; thread < this.#plane.threads; thread++) {
      this.#plane.begin(thread, COMMAND.allowSilence).word(id).word(toSpan(ms)).end();
    }
    // It holds though this thread should stall from now on.
    this.#plane.flush();
  }

  /** TLS is spoken on `node:net`, with the identity of the moment in which the client comes there. */
  #secure(id: number, listener: OpenListener, leg: NativeLeg, identity: NonNullable<ListenOptions['identity']>): void {
    listener.sources += 1;
    const onTaken = (taken: Leg | undefined): void => {
      // One that said nothing in its time never comes there, but is a client all the same.
      const client = taken ?? (leg.isSilenced ? leg : undefined);
      if (client !== undefined) listener.onClient(client);
      this.#lose(id, listener);
    };
    this.#portable.takeOver(leg, onTaken, identity);
  }

  /** One source of clients less. */
  #lose(id: number, listener: OpenListener): void {
    listener.sources -= 1;
    if (listener.sources === 0) this.#finish(id, listener);
  }

  #close(id: number, listener: OpenListener): Promise<void> {
    if (this.#open.has(id)) {
      for (let thread = 0; thread < this.#plane.threads; thread++) {
        this.#plane.begin(thread, COMMAND.closeListener).word(id).end();
      }
    }
    return listener.closed;
  }

  #finish(id: number, listener: OpenListener): void {
    this.#open.delete(id);
    this.#plane.closed();
    listener.resolveClosed();
  }
}

/** Where it is: what a descriptor costs to hand over, this client is not worth. */
function turnAway(leg: NativeLeg, { onClient }: OpenListener): void {
  leg.tls = TLS_WITHHELD;
  leg.reset();
  onClient(leg);
}

/** Under `tproxy`, and for a client that came to us directly, the socket's own address is where it was going. */
function originalOf({ originalHost: host, originalPort: port }: AcceptedClient, { local }: Leg): Address {
  return host === '' ? local : { host, port };
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

const LISTEN_ERROR_KINDS: ReadonlyMap<number, ListenError['kind']> = new Map([
  [constants.errno.EADDRINUSE, 'in-use'],
  [constants.errno.EACCES, 'no-rights'],
  [constants.errno.EPERM, 'no-rights'],
  [constants.errno.EADDRNOTAVAIL, 'no-such-address'],
]);

function toListenError(bind: Bind, errno: number, intercept: Intercept | undefined): ListenError {
  const code = getSystemErrorName(-errno);
  const cause = Object.assign(new Error(`listen ${code}`), { code, errno: -errno, syscall: 'listen' });
  // A low port without the right to it is EACCES (bind(2)); only asking for IP_TRANSPARENT is EPERM.
  const isTransparencyLacking = intercept === 'tproxy' && errno === constants.errno.EPERM;
  const kind = isTransparencyLacking ? 'not-transparent' : LISTEN_ERROR_KINDS.get(errno);
  return new ListenError(kind ?? 'other', bind, cause);
}
