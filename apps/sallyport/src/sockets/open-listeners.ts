/** Replaces one set of the doors' sockets by another. A socket that is in both sets stays open. */
import type { ListenerConfig } from '@sallyport/config';
import { type Leg, ListenError, type Listening, type Reception, type Transport } from '@sallyport/tunnel-splice';
import { EXIT, FatalError } from '../exit.ts';
import { fatalListenError } from '../listen-errors.ts';
import type { InheritedSockets } from './inherited-sockets.ts';
import { type WantedSocket, wantedSockets } from './wanted-sockets.ts';

/** The receiver of a listener's clients, and how they are received. */
export interface Receiver {
  readonly onClient: (client: Leg) => void;
  readonly reception: Reception;
}

/** What sockets are opened with. */
export interface OpenListenersOptions {
  readonly transport: Pick<Transport, 'listen'>;
  readonly inherited: InheritedSockets;
  readonly receiverOf: (listener: ListenerConfig) => Receiver;
}

/** A socket, or one of each data thread, and its purpose. */
export interface OpenSocket {
  readonly wanted: WantedSocket;
  readonly listening: Listening;
}

/** Frees a port for a socket that could not be opened. False where it could do nothing. */
export type GiveWay = (port: number) => Promise<boolean>;

/** The change from one set of sockets to another. The steps that are likely to fail are done already. */
export interface ListenerExchange {
  /**
   * Takes the sockets that were passed. To be called last. If a later step failed, those of systemd could not be opened again, and those of
   * a predecessor, which goes on then, would have lost the clients that were taken from it. Rejects with a FatalError.
   */
  takePassed(): Promise<void>;
  /** All that will be open, in the order of the configuration. */
  readonly open: readonly OpenSocket[];
  readonly opened: readonly OpenSocket[];
  readonly closing: readonly OpenSocket[];
  /** Closes early what is about to be closed at a port. */
  readonly giveWay: GiveWay;
  /** Makes the change. Resolves once what is no longer needed is closed. */
  commit(): Promise<void>;
  /** Restores everything. */
  abandon(): Promise<void>;
}

/** An open socket, and the clients that arrived before a listener owned it. */
interface EarlySocket extends OpenSocket {
  readonly early: Leg[];
}

/** The sockets of all doors. One exchange at a time. */
export class OpenListeners {
  readonly #options: OpenListenersOptions;
  #open: readonly OpenSocket[] = [];

  constructor(options: OpenListenersOptions) {
    this.#options = options;
  }

  /** In the order of the configuration. */
  get open(): readonly OpenSocket[] {
    return this.#open;
  }

  /**
   * Opens what is missing. Rejects with a FatalError, and leaves everything as it was.
   * @param othersGiveWay called where another part of this process may use a port
   */
  async prepare(listeners: readonly ListenerConfig[], othersGiveWay: GiveWay): Promise<ListenerExchange> {
    const { inherited } = this.#options;
    const plan = planExchange(wantedSockets(listeners, inherited), this.#open, inherited);
    const opening = new Opening(this.#options, plan.leaving, othersGiveWay);
    try {
      for (const wanted of plan.missing) await opening.open(wanted);
    } catch (cause) {
      await this.#undo(opening);
      throw cause;
    }
    const openNow = (): readonly OpenSocket[] => {
      const all = [...plan.kept, ...opening.opened];
      return plan.wanted.flatMap((wanted) => all.filter((socket) => socket.wanted === wanted));
    };
    return {
      takePassed: async () => {
        for (const wanted of plan.passed) await opening.open(wanted);
      },
      get open() {
        return openNow();
      },
      opened: opening.opened,
      closing: plan.leaving,
      giveWay: (port) => opening.giveWay(port),
      commit: () => this.#commit(openNow(), plan, opening),
      abandon: () => this.#undo(opening),
    };
  }

  /** Queued connections are still handed out. Those of a socket that a successor shares are the successor's. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = [];
    await Promise.all(open.map(({ listening }) => listening.close()));
  }

  async #commit(open: readonly OpenSocket[], { leaving }: ExchangePlan, { opened, released }: Opening): Promise<void> {
    this.#open = open;
    for (const socket of open) this.#serve(socket);
    for (const socket of opened) this.#serveEarly(socket);
    const left = leaving.filter((socket) => !released.has(socket));
    await Promise.all(left.map(({ listening }) => listening.close()));
  }

  async #undo(opening: Opening): Promise<void> {
    const restored = await opening.undo();
    this.#open = this.#open.map((socket) => restored.get(socket) ?? socket);
    for (const socket of restored.values()) {
      this.#serve(socket);
      this.#serveEarly(socket);
    }
  }

  #serve({ wanted: { listener }, listening }: OpenSocket): void {
    const { onClient, reception } = this.#options.receiverOf(listener);
    listening.serve(onClient, reception);
    listening.allowSilence(longestSilence(listener));
  }

  #serveEarly({ wanted: { listener }, early }: EarlySocket): void {
    early.forEach(this.#options.receiverOf(listener).onClient);
  }
}

interface ExchangePlan {
  readonly wanted: readonly WantedSocket[];
  /** Sockets that are open already and serve the new configuration. */
  readonly kept: readonly OpenSocket[];
  /** To be opened; those whose sockets were passed apart. */
  readonly missing: readonly WantedSocket[];
  readonly passed: readonly WantedSocket[];
  readonly leaving: readonly OpenSocket[];
}

function planExchange(
  wanted: readonly WantedSocket[],
  open: readonly OpenSocket[],
  { waiting }: Pick<InheritedSockets, 'waiting'>,
): ExchangePlan {
  const leaving = new Set(open);
  const kept: OpenSocket[] = [];
  const missing: WantedSocket[] = [];
  for (const one of wanted) {
    const { place, intercept } = one;
    const known = [...leaving].find((socket) => socket.wanted.place === place && socket.wanted.intercept === intercept);
    if (known) leaving.delete(known);
    if (known) kept.push({ wanted: one, listening: known.listening });
    else missing.push(one);
  }
  const isPassed = ({ place }: WantedSocket): boolean => waiting.has(place);
  return {
    wanted,
    kept,
    missing: missing.filter((one) => !isPassed(one)),
    passed: missing.filter(isPassed),
    leaving: [...leaving],
  };
}

/** Opens sockets, and can undo all of it. */
class Opening {
  readonly opened: EarlySocket[] = [];
  /** Sockets that were closed so that another could be opened. */
  readonly released = new Set<OpenSocket>();
  readonly #options: OpenListenersOptions;
  readonly #leaving: readonly OpenSocket[];
  readonly #othersGiveWay: GiveWay;

  constructor(options: OpenListenersOptions, leaving: readonly OpenSocket[], othersGiveWay: GiveWay) {
    this.#options = options;
    this.#leaving = leaving;
    this.#othersGiveWay = othersGiveWay;
  }

  async open(wanted: WantedSocket): Promise<void> {
    const { listener, path } = wanted;
    try {
      this.opened.push(await this.#openInTheWay(wanted));
    } catch (cause) {
      throw fatalListenError(`listener ${listener.name}`, cause, path);
    }
  }

  /** Closes what was opened, and opens again what was closed. Returns the new sockets by the old ones. */
  async undo(): Promise<ReadonlyMap<OpenSocket, EarlySocket>> {
    await Promise.all(this.opened.map(({ listening }) => listening.close()));
    for (const { early } of this.opened) early.forEach((leg) => leg.reset());
    const restored = new Map<OpenSocket, EarlySocket>();
    for (const socket of this.released) restored.set(socket, await this.#listen(socket.wanted, []));
    return restored;
  }

  /** For a moment no socket listens there. */
  async giveWay(port: number): Promise<boolean> {
    const inTheWay = this.#inTheWay(port);
    await Promise.all(inTheWay.map(({ listening }) => listening.close()));
    for (const socket of inTheWay) this.released.add(socket);
    return inTheWay.length > 0;
  }

  #inTheWay(port: number): readonly OpenSocket[] {
    return this.#leaving.filter((socket) => socket.listening.address.port === port && !this.released.has(socket));
  }

  /** One of our sockets that is about to be closed may use the port. */
  async #openInTheWay(wanted: WantedSocket): Promise<EarlySocket> {
    const { port } = wanted.address;
    const inherited = this.#options.inherited.waitingAt(port);
    const beside = [...this.#inTheWay(port).flatMap(({ listening }) => listening.sockets), ...inherited];
    const ways = [[], ...(beside.length > 0 ? [beside] : [])];
    for (const way of ways) {
      const socket = await this.#listenUnlessInUse(wanted, way);
      if (socket !== undefined) return socket;
    }
    // The transport cannot share a port, or no listener uses this one.
    await this.giveWay(port);
    await this.#othersGiveWay(port);
    return this.#listen(wanted, []);
  }

  async #listenUnlessInUse(wanted: WantedSocket, beside: readonly number[]): Promise<EarlySocket | undefined> {
    try {
      return await this.#listen(wanted, beside);
    } catch (cause) {
      if (!isInUse(cause)) throw cause;
      return undefined;
    }
  }

  async #listen(wanted: WantedSocket, beside: readonly number[]): Promise<EarlySocket> {
    const { place, listener, address, intercept, isDualStack, isInherited } = wanted;
    const { transport, inherited } = this.#options;
    const passed = inherited.waiting.get(place);
    if (isInherited && passed === undefined) throw new FatalError(GIVEN_BACK, EXIT.failure, undefined, wanted.path);
    const early: Leg[] = [];
    const { reception } = this.#options.receiverOf(listener);
    const listening = await transport.listen(address, (leg) => void early.push(leg), {
      ...reception,
      ...(intercept && { intercept }),
      ...(isDualStack && { isDualStack }),
      ...(passed && { passed }),
      ...(beside.length > 0 && { beside }),
    });
    if (passed) inherited.take(place);
    return { wanted, listening, early };
  }
}

const GIVEN_BACK =
  'the sockets that systemd passed under this name were closed by a reload, or listen in another way by now; restart to have them again';

function isInUse(cause: unknown): boolean {
  return cause instanceof ListenError && cause.kind === 'in-use';
}

/** In addition to `timeouts.handshake`, which each client has anyway: it matters only while this thread is stalled. */
const SILENCE_GRACE_MS = 1_000;

function longestSilence({ timeouts }: ListenerConfig): number {
  return timeouts.handshake + SILENCE_GRACE_MS;
}
