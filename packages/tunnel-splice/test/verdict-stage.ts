/** Doors of a native transport whose clients are like those of a verdict, or are not; and an upstream behind them. */
import { readFileSync } from 'node:fs';
import { connect, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import type { Address, Leg, Listening, Repeated, Transport, TunnelResult, Verdict } from '../src/index.ts';
import { createNativeTransport } from '../src/native/transport.ts';
import { patternOf } from './contract/bytes.ts';
import { Peer } from './contract/peer.ts';
import { listen, PATIENT, portOf } from './contract/stage.ts';

/** Another build of the addon: `native/test/sanitize.js` names the one made with a sanitizer. */
export const addonPath = process.env['TUNNEL_SPLICE_ADDON'];

/** What came of a client: the transport has joined it by itself, or has handed it out. */
export type Outcome =
  | { readonly kind: 'repeated'; readonly tunnel: number; readonly repeated: Repeated }
  | { readonly kind: 'handed-out'; readonly leg: Leg; readonly isLate: boolean };

export interface Client {
  readonly peer: Peer;
  readonly outcome: Promise<Outcome>;
}

interface Connecting {
  readonly to?: Listening;
  readonly localAddress?: string;
}

const OPENING_BYTES = 605;
export const NONCE = { at: 104, length: 28 } as const;
/** Not told of, and left out of the mask too. */
const KEY_SHARE = { at: 301, length: 67 } as const;
const MODEL = patternOf(OPENING_BYTES);

/** An opening like the model's: what the mask leaves out differs with each seed. */
export function likeOpening(seed: number): Buffer {
  const opening = Buffer.from(MODEL);
  for (const { at, length } of [NONCE, KEY_SHARE]) patternOf(length, seed).copy(opening, at);
  return opening;
}

export const MASK = new Uint8Array(OPENING_BYTES).fill(0xff);
for (const { at, length } of [NONCE, KEY_SHARE]) MASK.fill(0, at, at + length);

export class VerdictStage {
  readonly transport: Transport;
  readonly upstreamAddress: Address;
  door: Listening;
  /** Told of each client that is handed out. */
  onHandedOut: (leg: Leg) => unknown = () => undefined;
  /** What was called, in order. */
  readonly told: string[] = [];
  readonly ended = new Map<number, TunnelResult>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #upstreams: Peer[] = [];
  #onUpstream: () => void = () => undefined;
  /** By the client's port. */
  readonly #awaited = new Map<number, (outcome: Outcome) => void>();
  readonly #early = new Map<number, Outcome>();
  #seed = 1_000;

  private constructor(transport: Transport, door: Listening, server: Server) {
    this.transport = transport;
    this.door = door;
    this.#server = server;
    this.upstreamAddress = { host: '127.0.0.1', port: portOf(server) };
    server.on('connection', (socket) => {
      this.#upstreams.push(this.#peerOf(socket));
      this.#onUpstream();
    });
  }

  static async open(threads: number): Promise<VerdictStage> {
    const made = createNativeTransport({ threads, ...(addonPath !== undefined && { addonPath }) });
    if (made.kind === 'unavailable') throw new Error(made.reason);
    const { transport } = made;
    const server = await listen(() => undefined);
    const early: Leg[] = [];
    const door = await transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => early.push(leg));
    const stage = new VerdictStage(transport, door, server);
    door.serve((leg) => stage.#handedOut(leg), {});
    return stage;
  }

  /** From now on every upstream sends back what it hears. */
  echo(): void {
    this.#server.removeAllListeners('connection');
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      socket.pipe(socket);
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.on('connection', (late: Socket) => late.destroy());
    await this.transport.stop();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  listen(address: Address = { host: '127.0.0.1', port: 0 }): Promise<Listening> {
    return this.transport.listen(address, (leg) => this.#handedOut(leg));
  }

  /** A client that says nothing yet. */
  connect({ to = this.door, localAddress }: Connecting = {}): Client {
    const socket = connect({
      ...to.address,
      ...(localAddress !== undefined && { localAddress }),
      allowHalfOpen: true,
      noDelay: true,
    });
    const peer = this.#peerOf(socket);
    const connected = new Promise<number>((resolve) => socket.once('connect', () => resolve(socket.localPort ?? 0)));
    return { peer, outcome: connected.then((port) => this.outcomeOf(port)) };
  }

  /** A client that sends all this at once; connected in this very call. */
  say(opening: Uint8Array, connecting: Connecting = {}): Client {
    const client = this.connect(connecting);
    client.peer.send(opening);
    return client;
  }

  /**
   * Has the transport repeat what came of a client like {@link likeOpening}. The verdict is in force once this resolves. The model itself
   * is closed.
   */
  async remember(options: Partial<Verdict> = {}): Promise<Leg> {
    const { leg } = await this.handsOut(options.opening?.bytes ?? this.like());
    const verdict = this.verdictFor(leg, options);
    if (this.transport.remember?.(verdict) !== true) throw new Error('it was not remembered');
    leg.close();
    await commandsAreSent();
    this.told.length = 0;
    return leg;
  }

  verdictFor(client: Leg, options: Partial<Verdict> = {}): Verdict {
    return {
      ...PATIENT,
      client,
      opening: { bytes: this.like(), mask: MASK },
      nonce: NONCE,
      isSentUp: true,
      reply: new Uint8Array(0),
      address: this.upstreamAddress,
      tunnels: 1_000,
      holdsMs: 600_000,
      withinMs: 600_000,
      keeper: {
        tunnelEnded: (tunnel, result) => {
          this.told.push(`ended ${tunnel}`);
          this.ended.set(tunnel, result);
        },
      },
      onRepeated: (tunnel, repeated) => {
        this.told.push(`repeated ${tunnel}`);
        const kept = { ...repeated, nonce: Uint8Array.from(repeated.nonce) };
        this.#came(repeated.remotePort, { kind: 'repeated', tunnel, repeated: kept });
      },
      onForgotten: (wasNoGood) => this.told.push(wasNoGood ? 'forgotten as no good' : 'forgotten'),
      ...options,
    };
  }

  /** The next opening of its kind. */
  like(): Buffer {
    return likeOpening(this.#seed++);
  }

  /** A client that was joined by the verdict. */
  async repeats(opening: Uint8Array = this.like()): Promise<{ peer: Peer; tunnel: number; repeated: Repeated }> {
    const { peer, came } = await this.#says(opening);
    if (came.kind !== 'repeated') throw new Error('a client was handed out');
    return { peer, ...came };
  }

  /** A client that was handed out, with all that it has said. */
  async handsOut(opening: Uint8Array, connecting: Connecting = {}): Promise<{ peer: Peer; leg: Leg }> {
    const { peer, came } = await this.#says(opening, connecting);
    return { peer, leg: await handedOutWith(came, opening) };
  }

  /** A client whose tunnel is being made: it has said its opening, which was read, and was not handed out. */
  async isBeingJoined(opening: Uint8Array = this.like()): Promise<Client & { readonly opening: Uint8Array }> {
    for (;;) {
      const client = this.say(opening);
      let came: Outcome | undefined;
      void client.outcome.then((outcome) => (came = outcome));
      await client.peer.sends(new Uint8Array(0));
      while (came === undefined && !this.#wasRead(client.peer)) await turn();
      // What was handed out in the same turn is told by now.
      for (let turns = 0; turns < 5 && came === undefined; turns++) await turn();
      if (came === undefined) return { ...client, opening };
      if (!isLate(came)) throw new Error(`a client was ${came.kind}`);
      client.peer.reset();
    }
  }

  /** The first upstream to come that hears this first. */
  async upstreamThatHears(first: string): Promise<Peer> {
    for (;;) {
      const upstream = await this.nextUpstream();
      await Promise.race([upstream.receives(first.length), upstream.departure]);
      if (upstream.received.subarray(0, first.length).toString() === first) return upstream;
    }
  }

  async nextUpstream(): Promise<Peer> {
    for (;;) {
      const next = this.#upstreams.shift();
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => (this.#onUpstream = resolve));
    }
  }

  outcomeOf(port: number): Promise<Outcome> {
    const early = this.#early.get(port);
    this.#early.delete(port);
    return early !== undefined ? Promise.resolve(early) : new Promise((resolve) => this.#awaited.set(port, resolve));
  }

  async #says(opening: Uint8Array, connecting: Connecting = {}): Promise<{ peer: Peer; came: Outcome }> {
    for (;;) {
      const { peer, outcome } = this.say(opening, connecting);
      const came = await outcome;
      if (!isLate(came)) return { peer, came };
      peer.reset();
    }
  }

  #handedOut(leg: Leg): void {
    this.told.push('handed out');
    const first = leg.read(1, 0);
    if (first instanceof Uint8Array) leg.putBack(first);
    this.onHandedOut(leg);
    this.#came(leg.remote.port, { kind: 'handed-out', leg, isLate: first === 'deadline' });
  }

  #came(port: number, outcome: Outcome): void {
    const awaited = this.#awaited.get(port);
    this.#awaited.delete(port);
    if (this.#early.has(port)) throw new Error('a client was told of twice');
    if (awaited === undefined) this.#early.set(port, outcome);
    else awaited(outcome);
  }

  /** Whether our end of its connection has nothing to read (proc(5), /proc/net/tcp). */
  #wasRead({ socket: { localPort = 0, remotePort = 0, bytesWritten, pending } }: Peer): boolean {
    if (pending || bytesWritten === 0) return false;
    const rows = readFileSync('/proc/net/tcp', 'latin1').split('\n');
    const row = rows.map((line) => line.trim().split(/\s+/)).find(isBetween(remotePort, localPort));
    return row?.[4]?.split(':')[1] === '00000000';
  }

  #peerOf(socket: Socket): Peer {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return new Peer(socket);
  }
}

const isBetween =
  (localPort: number, remotePort: number) =>
  ([, local, remote]: string[]): boolean =>
    portIn(local) === localPort && portIn(remote) === remotePort;

/** The port of `0100007F:1F90`; NaN of a line that names none. */
const portIn = (endpoint = ''): number => parseInt(endpoint.split(':')[1] ?? '', 16);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The data threads get their commands before this thread waits, and obey them before they accept a client that connects afterwards. */
export async function commandsAreSent(): Promise<void> {
  await turn();
  await turn();
}

/** On a busy machine a client may say nothing for so long that it is handed out. */
function isLate(outcome: Outcome): boolean {
  if (outcome.kind === 'repeated' || !outcome.isLate) return false;
  outcome.leg.close();
  return true;
}

/** The leg of a client that was handed out with all that it has said. */
export async function handedOutWith(outcome: Outcome, said: Uint8Array): Promise<Leg> {
  if (outcome.kind === 'repeated') throw new Error('a client was joined');
  if (!(await readBytes(outcome.leg, said.length)).equals(said)) throw new Error('it came with other bytes');
  return outcome.leg;
}

export async function readBytes(leg: Leg, length: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let left = length; left > 0;) {
    const piece = await leg.read(left, Infinity);
    if (typeof piece === 'string') throw new Error(`${piece} after ${length - left} bytes`);
    pieces.push(piece);
    left -= piece.length;
  }
  return Buffer.concat(pieces);
}

/** Sets a fresh stage before each test and clears it away after. */
export function useVerdictStage(threads: number): () => VerdictStage {
  let stage: VerdictStage | undefined;
  beforeEach(async () => {
    stage = await VerdictStage.open(threads);
  });
  afterEach(() => stage?.close());
  return () => {
    if (stage === undefined) throw new Error('the stage is only there while a test runs');
    return stage;
  };
}
