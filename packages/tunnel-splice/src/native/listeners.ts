import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import {
  ListenError,
  TLS_WITHHELD,
  type Address,
  type Bind,
  type Intercept,
  type Introduction,
  type Leg,
  type Listening,
  type ListenOptions,
  type Reception,
} from '../transport.ts';
import type { DataPlane } from './data-plane.ts';
import type { AcceptedClient } from './event-reader.ts';
import type { NativeLeg } from './leg.ts';
import type { PortableSide } from './portable-side.ts';
import { COMMAND, INTERCEPTIONS, toSpan, type Command } from './wire.ts';

interface OpenListener {
  /** Its numbers on the data threads: one for each socket that was passed. */
  readonly ids: readonly number[];
  readonly address: Address;
  onClient: (client: Leg) => void;
  readonly intercept: Intercept | undefined;
  introduce: ListenOptions['introduce'];
  /** With it, clients use TLS. */
  identity: ListenOptions['identity'];
  onTurnedAway: ListenOptions['onTurnedAway'];
  /** How many sources of clients are left: data threads with one of its sockets, and clients whose descriptors are on their way here. */
  sources: number;
  readonly closed: Promise<void>;
  readonly resolveClosed: () => void;
}

type Introducing = Pick<OpenListener, 'identity'> & { readonly introduce: NonNullable<ListenOptions['introduce']> };

/** One socket, or one of each data thread, as opened by the data threads. */
interface OpenSockets {
  readonly id: number;
  readonly address: Address;
  readonly descriptors: readonly number[];
}

/** The open listeners. Each has one socket on every data thread, unless its sockets were passed. */
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
    const { intercept, introduce, identity, onTurnedAway, passed = [], isDualStack: isToBeDual = false } = options;
    const [first] = passed;
    // Asked first: a passed socket has another descriptor afterwards.
    const isDualStack = first === undefined ? isToBeDual : this.#plane.addon.isDualStack(first) === 1;
    const opened = this.#openSockets(bind, { ...options, isDualStack });
    const { promise: closed, resolve: resolveClosed } = withResolver();
    const listener = {
      ids: opened.map(({ id }) => id),
      address: opened[0]?.address ?? bind,
      onClient,
      intercept,
      introduce,
      identity,
      onTurnedAway,
      sources: opened.reduce((sum, { descriptors }) => sum + descriptors.length, 0),
      closed,
      resolveClosed,
    };
    for (const id of listener.ids) this.#open.set(id, listener);
    this.#plane.opened();
    return {
      address: listener.address,
      isDualStack,
      sockets: opened.flatMap(({ descriptors }) => descriptors),
      serve: (nextOnClient, reception) => serveAnew(listener, nextOnClient, reception),
      allowSilence: (ms) => this.#allowSilence(listener, ms),
      close: () => this.#close(listener),
    };
  }

  /** Throws a ListenError, after closing what was opened. */
  #openSockets(bind: Bind, { intercept, passed = [], beside = [], isDualStack = false }: ListenOptions): OpenSockets[] {
    const { addon, threads } = this.#plane;
    for (const descriptor of beside) addon.sharePort(descriptor);
    const how = INTERCEPTIONS.indexOf(intercept ?? 'none');
    // With one socket a thread, as when we open them, each client wakes one thread. With fewer, it wakes every thread that has the
    // socket.
    const hasEachItsOwn = passed.length >= threads;
    const opened: OpenSockets[] = [];
    const first = this.#nextId;
    for (const [index, descriptor] of (passed.length > 0 ? passed : [-1]).entries()) {
      const id = this.#nextId++;
      const thread = hasEachItsOwn ? index % threads : -1;
      const isBeside = beside.length > 0;
      const [errno, port, host, ...descriptors] = addon.listen(
        ...([id, bind.host, bind.port, how, descriptor, thread, isDualStack, isBeside, first] as const),
      );
      if (errno !== 0) {
        for (const { id: openedId } of opened) this.#tellAll(COMMAND.closeListener, openedId);
        throw toListenError(bind, errno, descriptor >= 0 ? 'passed' : intercept);
      }
      opened.push({ id, address: { host, port }, descriptors });
    }
    return opened;
  }

  /** A client was accepted. Some of its bytes may have come with it. */
  accepted(client: AcceptedClient): void {
    const listener = this.#open.get(client.listener);
    if (listener === undefined) return;
    const { localHost: host, localPort: port } = client;
    const remote = { host: client.remoteHost, port: client.remotePort };
    const local = host === '' ? listener.address : { host, port };
    const leg = this.#plane.addLeg(client, remote, local, performance.now() - client.acceptedMsAgo);
    leg.listener = listener.ids[0] ?? client.listener;
    if (listener.intercept !== undefined) leg.original = originalOf(client, leg);
    if (client.bytes.length > 0) leg.receive(client.bytes);
    const { introduce, identity } = listener;
    if (introduce === undefined) this.#handOut(listener, leg, identity);
    else this.#introduce(listener, leg, { introduce, identity });
  }

  /** No descriptor was left for it. */
  turnedAway(id: number, remote: Address): void {
    this.#open.get(id)?.onTurnedAway?.(remote);
  }

  /** The client is no source of clients meanwhile: its peer may never introduce it, and a listener must not wait for that to be closed. */
  #introduce(listener: OpenListener, leg: NativeLeg, { introduce, identity }: Introducing): void {
    const handOutAs = (introduction: Introduction): void => {
      const { remote, local } = introduction;
      if (remote !== undefined) leg.remote = remote;
      if (local !== undefined) leg.local = local;
      leg.introduction = introduction;
      // Whatever a reload has made of the listener meanwhile: TLS is as it was when the client connected.
      this.#handOut(listener, leg, identity);
    };
    const introduction = introduce(leg, leg.remote);
    if (introduction instanceof Promise) void introduction.then(handOutAs);
    else handOutAs(introduction);
  }

  #handOut(listener: OpenListener, leg: NativeLeg, identity: ListenOptions['identity']): void {
    if (identity === undefined || leg.introduction?.isRefused) listener.onClient(leg);
    else if (identity(leg.remote) === undefined) turnAway(leg, listener);
    else this.#secure(listener, leg, identity);
  }

  /** One of its sockets is closed, and every client that was queued on it has been handed out. */
  socketClosed(id: number): void {
    const listener = this.#open.get(id);
    if (listener !== undefined) this.#lose(listener);
  }

  stop(): void {
    for (const listener of new Set(this.#open.values())) this.#finish(listener);
  }

  #allowSilence({ ids }: OpenListener, ms: number): void {
    for (const id of ids) {
      for (let thread = 0; thread < this.#plane.threads; thread++) {
        this.#plane.begin(thread, COMMAND.allowSilence).word(id).word(toSpan(ms)).end();
      }
    }
    // It must apply even if this thread stalls from now on.
    this.#plane.flush();
  }

  /** TLS runs on `node:net`, with the identity of the moment at which the client arrives there. */
  #secure(listener: OpenListener, leg: NativeLeg, identity: NonNullable<ListenOptions['identity']>): void {
    listener.sources += 1;
    const onTaken = (taken: Leg | undefined): void => {
      // A client that sent nothing in its time never arrives there. It is handed out all the same.
      const client = taken ?? (leg.isSilenced ? leg : undefined);
      if (client !== undefined) listener.onClient(client);
      this.#lose(listener);
    };
    this.#portable.takeOver(leg, onTaken, identity);
  }

  /** One source of clients less. */
  #lose(listener: OpenListener): void {
    listener.sources -= 1;
    if (listener.sources === 0) this.#finish(listener);
  }

  #close(listener: OpenListener): Promise<void> {
    for (const id of listener.ids) if (this.#open.has(id)) this.#tellAll(COMMAND.closeListener, id);
    return listener.closed;
  }

  #tellAll(command: Command, id: number): void {
    for (let thread = 0; thread < this.#plane.threads; thread++) this.#plane.begin(thread, command).word(id).end();
  }

  /** May be called again: a client that is introduced after the listener was closed is a source while its descriptor is on its way. */
  #finish(listener: OpenListener): void {
    const wasOpen = listener.ids.map((id) => this.#open.delete(id)).includes(true);
    if (!wasOpen) return;
    this.#plane.closed();
    listener.resolveClosed();
  }
}

function serveAnew(
  listener: OpenListener,
  onClient: OpenListener['onClient'],
  { introduce, identity, onTurnedAway }: Reception,
): void {
  listener.onClient = onClient;
  listener.introduce = introduce;
  listener.identity = identity;
  listener.onTurnedAway = onTurnedAway;
}

/** Refuses the client on its data thread: it is not worth handing its descriptor over. */
function turnAway(leg: NativeLeg, { onClient }: OpenListener): void {
  leg.tls = TLS_WITHHELD;
  onClient(leg);
}

/** Under `tproxy`, and for a client that connected to us directly, the socket's own address is where the client was going. */
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
  [constants.errno.EAFNOSUPPORT, 'no-ipv6'],
  [constants.errno.EMFILE, 'no-descriptors'],
  [constants.errno.ENFILE, 'no-descriptors'],
]);

function toListenError(bind: Bind, errno: number, how: Intercept | 'passed' | undefined): ListenError {
  const code = getSystemErrorName(-errno);
  const cause = Object.assign(new Error(`listen ${code}`), { code, errno: -errno, syscall: 'listen' });
  const known = LISTEN_ERROR_KINDS.get(errno);
  // It is bound already: all else that can be wrong is what it is.
  if (how === 'passed' && known !== 'no-descriptors') return new ListenError('not-passable', bind, cause);
  // A low port without the right to it is EACCES (bind(2)). Only IP_TRANSPARENT gives EPERM.
  const isTransparencyLacking = how === 'tproxy' && errno === constants.errno.EPERM;
  const kind = isTransparencyLacking ? 'not-transparent' : known;
  return new ListenError(kind ?? 'other', bind, cause);
}
