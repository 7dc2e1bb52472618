/** A client that speaks TLS to the listener, told apart from one that does not, and relayed like any other. */
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTlsIdentity, type TlsIdentity } from '../src/portable/tls-identity.ts';
import { createPortableTransport, type PortableTransport } from '../src/portable/transport.ts';
import type { Leg, TunnelEnd, TunnelResult } from '../src/transport.ts';
import { makeCertificate, type Pair } from './certificates.ts';
import { followSplice } from './contract/followed.ts';
import { PATIENT } from './contract/stage.ts';

const own = makeCertificate('/CN=proxy.test');
const renewed = makeCertificate('/CN=renewed.test');
const authority = makeCertificate('/CN=Client authority');
const member = makeCertificate('/CN=ci', authority);

function identityOf(pair: Pair, clientCa?: string): TlsIdentity {
  const result = createTlsIdentity({ ...pair, ...(clientCa !== undefined && { clientCa }) });
  if (result.kind === 'ok') return result.identity;
  throw new Error(result.why);
}

const plain = identityOf(own);
const asking = identityOf(own, authority.cert);

let transport: PortableTransport;
let identity: TlsIdentity;
let port: number;
let accepted: Promise<Leg>;
let sockets: Socket[];
let servers: Server[];
/** From a relay that a client goes through: an RST under TLS is for others to send. */
let relayed: Socket | undefined;

beforeEach(async () => {
  transport = createPortableTransport();
  identity = plain;
  sockets = [];
  servers = [];
  relayed = undefined;
  let onLeg: (leg: Leg) => void = () => undefined;
  accepted = new Promise((resolve) => (onLeg = resolve));
  const bind = { host: '127.0.0.1', port: 0 };
  const listening = await transport.listen(bind, (leg) => onLeg(leg), { identity: () => identity });
  port = listening.address.port;
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  await transport.stop();
});

function openTls(options: ConnectionOptions = {}): TLSSocket {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

/** A TCP server on a free port, ended with the test. */
async function openServer(onClient: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on('error', () => undefined));
    onClient(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
  return address.port;
}

/** A way to the listener on which a test can break the TCP connection. */
function openRelay(): Promise<number> {
  return openServer((socket) => {
    relayed = openTcp();
    socket.pipe(relayed).pipe(socket);
  });
}

function openTcp(): Socket {
  const socket = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

const soon = (ms = 10_000): number => performance.now() + ms;

async function collect(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer); // A socket without an encoding yields buffers.
  return Buffer.concat(chunks);
}

describe('a client of a listener that speaks TLS', () => {
  it('is handed out before the handshake, which its first read waits for', async () => {
    const socket = openTcp();
    const leg = await accepted;
    expect(leg.tls).toEqual({ kind: 'under-way' });
    expect(leg.remote).toEqual({ host: '127.0.0.1', port: socket.localPort });
    expect(leg.local).toEqual({ host: '127.0.0.1', port });
    expect(await leg.read(100, soon(100))).toBe('deadline');
  });

  it('is read and written in the clear', async () => {
    const socket = openTls();
    const leg = await accepted;
    socket.write('hello');
    expect(Buffer.from((await leg.read(100, soon())) as Uint8Array).toString()).toBe('hello');
    expect(leg.tls).toEqual({ kind: 'secured' });
    leg.close(Buffer.from('and goodbye'));
    expect((await collect(socket)).toString()).toBe('and goodbye');
  });

  it('gets what was written before the handshake was over', async () => {
    const socket = openTls();
    const leg = await accepted;
    leg.close(Buffer.from('too many'));
    expect((await collect(socket)).toString()).toBe('too many');
  });

  it.each([
    { what: 'a CONNECT in plain HTTP', bytes: 'CONNECT a.test:443 HTTP/1.1\r\n\r\n', why: /opened with plain HTTP/ },
    { what: 'a GET in plain HTTP', bytes: 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n', why: /opened with plain HTTP/ },
    { what: 'neither', bytes: 'SSH-2.0-OpenSSH_9.6\r\n', why: /^TLS says / },
  ])('is told from one that opens with $what', async ({ bytes, why }) => {
    const socket = openTcp();
    const leg = await accepted;
    socket.write(bytes);
    expect(await leg.read(100, soon())).toBe('reset');
    expect(leg.tls).toEqual({ kind: 'failed', why: expect.stringMatching(why) as unknown, isForCertificate: false });
  });

  it('is told from one that leaves in the middle of its handshake', async () => {
    const socket = openTcp();
    const leg = await accepted;
    socket.end(Buffer.from([22, 3, 1]));
    expect(await leg.read(100, soon())).toBe('end');
    expect(leg.tls).toEqual({ kind: 'under-way' });
  });

  it('that stays silent is closed like any other', async () => {
    const socket = openTcp();
    const leg = await accepted;
    await leg.read(100, soon(50));
    leg.close();
    expect((await collect(socket)).length).toBe(0);
  });

  it('is reset by a reset', async () => {
    const socket = openTls();
    const leg = await accepted;
    socket.write('hello');
    await leg.read(100, soon());
    const failed = once(socket, 'error');
    socket.resume();
    leg.reset();
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('sees the identity of the moment', async () => {
    identity = identityOf(renewed);
    const socket = openTls();
    await once(socket, 'secureConnect');
    expect(socket.getPeerCertificate().subject.CN).toBe('renewed.test');
  });
});

describe('a client that is asked for a certificate', () => {
  beforeEach(() => {
    identity = asking;
  });

  const stateAfter = async (pair?: Pair): Promise<unknown> => {
    const socket = openTls(pair);
    socket.on('secureConnect', () => socket.write('hello'));
    const leg = await accepted;
    const result = await leg.read(100, soon());
    expect(typeof result === 'string').toBe(leg.tls?.kind === 'failed');
    return leg.tls;
  };

  it('is known by the common name in it', async () => {
    expect(await stateAfter(member)).toEqual({ kind: 'secured', peerName: 'ci' });
  });

  it.each([
    { what: 'none', pair: undefined, why: 'the client showed no certificate' },
    {
      what: 'one by another authority',
      pair: makeCertificate('/CN=ci', renewed),
      why: "the client's certificate is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE)",
    },
    {
      what: 'one it signed itself',
      pair: makeCertificate('/CN=ci'),
      why: "the client's certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)",
    },
  ])('is refused with $what', async ({ pair, why }) => {
    expect(await stateAfter(pair)).toEqual({ kind: 'failed', why, isForCertificate: true });
  });

  it.each([
    { what: 'no common name', subject: '/O=builders' },
    { what: 'two common names', subject: '/CN=ci/CN=admin' },
  ])('has no name with $what', async ({ subject }) => {
    expect(await stateAfter(makeCertificate(subject, authority))).toEqual({ kind: 'secured' });
  });

  it('may resume its session, and is known by the same name', async () => {
    let next: (leg: Leg) => void = () => undefined;
    const { address } = await transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => next(leg), {
      identity: () => asking,
    });
    const visit = async (session?: Buffer): Promise<{ leg: Leg; socket: TLSSocket; session: Promise<[Buffer]> }> => {
      const leg = new Promise<Leg>((resolve) => (next = resolve));
      const socket = openTls({ ...member, port: address.port, maxVersion: 'TLSv1.2', ...(session && { session }) });
      const ticket = once(socket, 'session') as Promise<[Buffer]>; // As documented.
      socket.write('hello');
      await (await leg).read(100, soon());
      return { leg: await leg, socket, session: ticket };
    };
    const first = await visit();
    const [session] = await first.session;
    const second = await visit(session);
    expect(second.socket.isSessionReused()).toBe(true);
    expect(second.leg.tls).toEqual({ kind: 'secured', peerName: 'ci' });
  });
});

describe('a splice with a client that speaks TLS', () => {
  const splice = async (
    onUpstream: (socket: Socket) => void,
  ): Promise<{ client: TLSSocket; done: Promise<TunnelResult> }> => {
    const upstreamPort = await openServer(onUpstream);
    const client = openTls({ port: await openRelay() });
    client.write('first');
    const leg = await accepted;
    const clientBytes = (await leg.read(100, soon())) as Uint8Array;
    const dialled = await transport.dial({ host: '127.0.0.1', port: upstreamPort }, { deadline: soon() }).done;
    if (dialled.kind !== 'connected') throw new Error(dialled.kind);
    return { client, done: followSplice(transport, leg, dialled.leg, { ...PATIENT, clientBytes }).done };
  };

  it('carries megabytes both ways, byte for byte, and passes each FIN on', async () => {
    const { client, done } = await splice((socket) => socket.pipe(socket));
    const sent = Buffer.alloc(8 * 1024 * 1024, 'sallyport');
    const heard = collect(client);
    client.end(sent);
    expect(Buffer.compare(await heard, Buffer.concat([Buffer.from('first'), sent]))).toBe(0);
    const bytes = sent.length + 'first'.length;
    expect(await done).toMatchObject({ end: 'client_closed', bytesUp: bytes, bytesDown: bytes });
  });

  it('holds the upstream back while the client does not read', async () => {
    const total = 64 * 1024 * 1024;
    let written = 0;
    let onStalled: () => void = () => undefined;
    const stalled = new Promise<void>((resolve) => (onStalled = resolve));
    const { client, done } = await splice((socket) => {
      // Rings once nothing could be written for a while.
      const patience = setTimeout(() => onStalled(), 300);
      const pour = (): void => {
        patience.refresh();
        while (written < total) {
          written += 64 * 1024;
          if (!socket.write(Buffer.alloc(64 * 1024))) return;
        }
        socket.end();
      };
      socket.on('drain', pour);
      pour();
    });
    client.pause();
    await stalled;
    expect(written).toBeLessThan(total);
    expect((await collect(client)).length).toBe(total);
    client.end();
    expect((await done).bytesDown).toBe(total);
  });

  it.each<{ who: string; end: TunnelEnd; leave: (client: TLSSocket, upstream: Socket) => void }>([
    { who: 'client', end: 'client_reset', leave: () => relayed?.resetAndDestroy() },
    { who: 'upstream', end: 'upstream_reset', leave: (_client, upstream) => upstream.resetAndDestroy() },
  ])('passes an RST of the $who on', async ({ end, leave }) => {
    let onUpstream: (socket: Socket) => void = () => undefined;
    const upstream = new Promise<Socket>((resolve) => (onUpstream = resolve));
    const { client, done } = await splice(onUpstream);
    client.resume();
    const origin = await upstream;
    origin.resume();
    const other = end === 'client_reset' ? origin : relayed;
    const failed = other && once(other, 'error');
    leave(client, origin);
    expect((await done).end).toBe(end);
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  });
});
