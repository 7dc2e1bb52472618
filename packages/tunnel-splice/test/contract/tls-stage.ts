/** A transport with a door that speaks TLS, and sockets on either side of it. */
import { connect as connectTcp, type Server, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach } from 'vitest';
import { createTlsIdentity, type Leg, type TlsIdentity, type Transport } from '../../src/index.ts';
import { makeCertificate, type Pair } from '../certificates.ts';
import { listen, portOf } from './stage.ts';

export const authority = makeCertificate('/CN=Client authority');

const own = makeCertificate('/CN=proxy.test');
const plain = identityOf(own);
/** Clients must show a certificate that {@link authority} signed. */
export const asking = identityOf(own, authority.cert);

export function identityOf(pair: Pair, clientCa?: string): TlsIdentity {
  const result = createTlsIdentity({ ...pair, ...(clientCa !== undefined && { clientCa }) });
  if (result.kind === 'ok') return result.identity;
  throw new Error(result.parts[0]?.why);
}

export const soon = (ms = 10_000): number => performance.now() + ms;

/** For what a test awaits later, or not at all where it fails before: a rejection is told to those that await it, and to nobody else. */
export function awaitedLater<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => undefined);
  return promise;
}

export const collect = (socket: Socket): Promise<Buffer> => awaitedLater(readAll(socket));

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer); // A socket without an encoding yields buffers.
  return Buffer.concat(chunks);
}

/** The stage of one test: fresh before it, cleared away after. */
export function useTlsStage(create: () => Transport): () => TlsStage {
  let stage: TlsStage | undefined;
  beforeEach(async () => {
    stage = new TlsStage(create());
    await stage.open();
  });
  afterEach(() => stage?.close());
  return () => {
    if (stage === undefined) throw new Error('the stage is only there while a test runs');
    return stage;
  };
}

class TlsStage {
  readonly transport: Transport;
  /** What the door shows from the next client on. */
  identity: TlsIdentity | undefined = plain;
  /** How many more clients it is shown to, where not to all. */
  clientsLeft = Infinity;
  port = 0;
  /** The first client. */
  readonly accepted: Promise<Leg>;
  /** From a relay that a client goes through: an RST under TLS is for others to send. */
  relayed: Socket | undefined;
  #relayedFrom: Socket | undefined;
  #onLeg: (leg: Leg) => void = () => undefined;
  readonly #sockets: Socket[] = [];
  readonly #servers: Server[] = [];

  constructor(transport: Transport) {
    this.transport = transport;
    this.accepted = new Promise((resolve) => (this.#onLeg = resolve));
  }

  async open(): Promise<void> {
    const bind = { host: '127.0.0.1', port: 0 };
    const options = { identity: () => ((this.clientsLeft -= 1) >= 0 ? this.identity : undefined) };
    const door = await this.transport.listen(bind, (leg) => this.#onLeg(leg), options);
    this.port = door.address.port;
  }

  openTls(options: ConnectionOptions = {}): TLSSocket {
    return this.#keep(connectTls({ host: '127.0.0.1', port: this.port, rejectUnauthorized: false, ...options }));
  }

  openTcp(port = this.port): Socket {
    return this.#keep(connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true }));
  }

  /** A TCP server on a free port, ended with the test. */
  async openServer(onClient: (socket: Socket) => void): Promise<number> {
    const server = await listen((socket) => onClient(this.#keep(socket)));
    this.#servers.push(server);
    return portOf(server);
  }

  /** A way to the door on which a test can break the TCP connection. */
  openRelay(): Promise<number> {
    return this.openServer((socket) => {
      this.#relayedFrom = socket;
      this.relayed = this.openTcp();
      socket.pipe(this.relayed).pipe(socket);
    });
  }

  /** What the client sends next goes through the relay with an RST right behind it. */
  resetBehindNext(): void {
    this.#relayedFrom?.once('data', () => this.relayed?.resetAndDestroy());
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
    await this.transport.stop();
  }

  #keep<AnySocket extends Socket>(socket: AnySocket): AnySocket {
    this.#sockets.push(socket);
    return socket.on('error', () => undefined);
  }
}
