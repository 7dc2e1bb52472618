/** A connection that is handed from one part of a transport to another: by the door to TLS, or by a splice. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { Address, Leg, SpliceOptions, Transport } from '../../src/index.ts';
import { patternOf } from './bytes.ts';
import { followSplice, FollowedTunnel } from './followed.ts';
import { Peer } from './peer.ts';
import { PATIENT } from './stage.ts';
import { collect, soon, useTlsStage } from './tls-stage.ts';

/** More than is read ahead, so that a part is always in the kernel still. */
const MUCH = 1024 * 1024;

export function describeHandingOver(create: () => Transport): void {
  describe('handing over', () => {
    const stage = useTlsStage(create);

    describe('an upstream, dialled far from the client that speaks TLS', () => {
      it('loses and doubles nothing of what came before, during and after', async () => {
        const { client, upstream, upstreamLeg, splice } = await meet();
        const sent = patternOf(3 * MUCH);
        upstream.send(sent.subarray(0, MUCH));
        const upstreamBytes = (await upstreamLeg.read(1_000, soon())) as Uint8Array;
        const { done } = splice({ upstreamBytes });
        client.write('thanks');
        const heard = collect(client);
        upstream.send(sent.subarray(MUCH, 2 * MUCH));
        setImmediate(() => upstream.socket.end(sent.subarray(2 * MUCH)));
        expect((await heard).equals(sent)).toBe(true);
        // It ends itself once it has heard the FIN.
        expect((await upstream.receivesAll()).toString()).toBe('thanks');
        expect(await done).toMatchObject({ end: 'upstream_closed', bytesUp: 6, bytesDown: sent.length });
      });

      it('is sent what was written to it first', async () => {
        const { client, upstream, upstreamLeg, splice } = await meet();
        const head = patternOf(4 * MUCH);
        upstreamLeg.write(head);
        const { done } = splice({ clientBytes: Buffer.from('and then') });
        client.resume().end();
        upstream.finish();
        expect((await upstream.receivesAll()).equals(Buffer.concat([head, Buffer.from('and then')]))).toBe(true);
        expect((await done).bytesUp).toBe('and then'.length);
      });

      it('passes on the FIN with which it had left before, and its last bytes', async () => {
        const { client, upstream, upstreamLeg, splice } = await meet();
        upstream.socket.end('bye');
        await left(upstreamLeg);
        const { done } = splice();
        expect((await collect(client)).toString()).toBe('bye');
        client.end();
        expect((await done).end).toBe('upstream_closed');
      });

      it('ends the tunnel at once with the RST with which it had left before', async () => {
        const { upstream, upstreamLeg, splice } = await meet();
        upstream.reset();
        expect(await left(upstreamLeg)).toBe('reset');
        expect((await splice().done).end).toBe('upstream_reset');
      });

      it('ends the tunnel when its leg had been closed before', async () => {
        const { client, upstream, upstreamLeg, splice } = await meet();
        upstreamLeg.close();
        const { done } = splice();
        upstream.finish();
        client.end();
        await Promise.all([done, collect(client)]);
      });

      it('is given up by a cut that comes before', async () => {
        const { client, upstream, splice } = await meet();
        const tunnel = splice();
        tunnel.cut();
        tunnel.cut();
        client.resume().end();
        expect(await upstream.departure).toBe('end');
        expect((await tunnel.done).end).toBe('cut');
        expect(tunnel.counts()).toEqual({ bytesUp: 0, bytesDown: 0 });
      });

      it('ends with the transport', async () => {
        const { upstream, splice } = await meet();
        const { done } = splice();
        await stage().transport.stop();
        expect((await done).end).toBe('lifetime');
        await upstream.departure;
      });

      it('is given no number that another tunnel has, wherever that is relayed', async () => {
        const meetOnce = await openMeetings();
        const meetPlainly = await openPlainMeetings();
        const tunnels: FollowedTunnel[] = [];
        for (const meetNext of [meetPlainly, meetOnce, meetOnce, meetPlainly])
          tunnels.push((await meetNext()).splice());
        expect(tunnels.map(({ number }) => number).sort()).toEqual([0, 1, 2, 3]);
        for (const tunnel of tunnels.toReversed()) {
          tunnel.cut();
          expect((await tunnel.done).end).toBe('cut');
        }
      });

      it('is given no number more than there are tunnels, where dials before have failed to join its client', async () => {
        const { transport } = stage();
        let onClient: (leg: Leg) => void = () => undefined;
        const port = await stage().openServer(() => undefined);
        const door = await transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => onClient(leg));
        stage().openTls();
        const near = await stage().accepted;
        const numbers = new Set<number | undefined>();
        for (let round = 0; round < 5; round += 1) {
          const arrived = new Promise<Leg>((resolve) => (onClient = resolve));
          stage().openTcp(door.address.port);
          const client = await arrived;
          const keeper = new FollowedTunnel(transport);
          const plan = { ...PATIENT, client, reply: new Uint8Array(0), keeper };
          const join = { ...plan, onUp: (tunnel: number) => keeper.isUp(tunnel) };
          // tcpmux: no system gives this port to another process of ours.
          const closed = { host: '127.0.0.1', port: 1 };
          expect(await transport.dial(closed, { deadline: soon(), join }).done).toEqual({ kind: 'refused' });
          const tunnel = followSplice(
            transport,
            client,
            await dial(transport, { host: '127.0.0.1', port }, near),
            PATIENT,
          );
          numbers.add(tunnel.number);
          tunnel.cut();
          await tunnel.done;
        }
        // One of the tunnel, one of the promise.
        expect(numbers.size).toBeLessThanOrEqual(2);
      });

      it('has its descriptor kept by nobody', async () => {
        const meetOnce = await openMeetings();
        const before = countDescriptors();
        const meetings: Meeting[] = [];
        while (meetings.length < 100) meetings.push(await meetOnce());
        const endings = meetings.map(({ client, upstream, splice }, index) => {
          if (index % 2 === 0) upstream.finish();
          else upstream.reset();
          client.resume().end();
          return splice().done;
        });
        await Promise.all(endings);
        for (const { client, upstream } of meetings) [client, upstream.socket].forEach((socket) => socket.destroy());
        await expect.poll(countDescriptors, { timeout: 30_000 }).toBeLessThanOrEqual(before);
      });
    });

    describe('a client, by a door that speaks TLS', () => {
      it('hears and is heard in order, though its words come in pieces from its first one on', async () => {
        const port = await stage().openServer((socket) => {
          const onward = stage().openTcp();
          socket.on('data', (bytes) => pieces(bytes, 7).forEach((piece) => onward.write(piece)));
          socket.on('end', () => onward.end());
          onward.pipe(socket);
        });
        const client = stage().openTls({ port });
        const leg = await stage().accepted;
        const sent = patternOf(20_000);
        client.end(sent);
        expect((await readAll(leg)).equals(sent)).toBe(true);
        leg.close(sent);
        expect((await collect(client)).equals(sent)).toBe(true);
      });

      it('names where it comes from, where it came to and when', async () => {
        const before = performance.now();
        const client = stage().openTcp();
        const leg = await stage().accepted;
        expect(leg.remote).toEqual({ host: '127.0.0.1', port: client.localPort });
        expect(leg.local).toEqual({ host: '127.0.0.1', port: stage().port });
        // Data threads count in whole milliseconds.
        expect(leg.bornAt).toBeGreaterThanOrEqual(before - 1);
        expect(leg.bornAt).toBeLessThanOrEqual(performance.now());
      });

      it.each([
        { how: 'FIN', leave: (socket: Socket) => socket.end() },
        { how: 'RST', leave: (socket: Socket) => socket.resetAndDestroy() },
      ])('keeps no descriptor when it has left already by $how', async ({ leave }) => {
        const before = countDescriptors();
        let handedOut = 0;
        const door = await openDoor((leg) => {
          handedOut += 1;
          leg.close();
        });
        const sockets = Array.from({ length: 50 }, () => stage().openTcp(door.address.port));
        await Promise.all(sockets.map((socket) => once(socket, 'connect')));
        for (const socket of sockets) leave(socket.resume());
        await door.close();
        // One that left by RST may be nobody's client any more.
        expect(handedOut).toBe(50);
        for (const socket of sockets) socket.destroy();
        await expect.poll(countDescriptors, { timeout: 30_000 }).toBeLessThanOrEqual(before);
      });

      it('is still handed out when it was queued as the door was closed', async () => {
        const legs: Leg[] = [];
        const door = await openDoor((leg) => legs.push(leg));
        const clients = Array.from({ length: 20 }, () => stage().openTls({ port: door.address.port }));
        const connected = Promise.all(clients.map((client) => once(client, 'connect')));
        await new Promise<void>((resolve) => process.nextTick(resolve));
        await Promise.all([connected, door.close()]);
        expect(legs.length).toBe(20);
        for (const leg of legs) leg.close(Buffer.from('draining'));
        for (const client of clients) expect((await collect(client)).toString()).toBe('draining');
      });

      it('leaves no descriptor behind, however many come at once and however they end', async () => {
        const before = countDescriptors();
        const door = await openDoor((leg) => void echoOnce(leg));
        const clients = Array.from({ length: 200 }, (_, index) => {
          // Every other one fails its handshake.
          const { port } = door.address;
          const client = index % 2 === 0 ? stage().openTls({ port }) : stage().openTcp(port);
          client.write(index % 2 === 0 ? 'hello' : Buffer.of(22, 9, 9, 0, 1, 1));
          return client;
        });
        const heard = await Promise.all(clients.map((client) => collect(client).catch(() => undefined)));
        expect(heard.filter((bytes) => bytes?.toString() === 'hello').length).toBe(100);
        for (const client of clients) client.destroy();
        await door.close();
        await expect.poll(countDescriptors, { timeout: 30_000 }).toBeLessThanOrEqual(before);
      });

      it('leaves no descriptor behind when the transport stops while many are on their way', async () => {
        const { transport } = stage();
        let stopped: Promise<void> | undefined;
        const door = await openDoor(() => {
          stopped ??= transport.stop();
        });
        const before = countDescriptors();
        const clients = Array.from({ length: 200 }, () => stage().openTcp(door.address.port));
        for (const client of clients) client.resume().on('end', () => client.destroy());
        await Promise.all(clients.map((client) => new Promise((resolve) => client.on('close', resolve))));
        await stopped;
        // The transport's own descriptors are gone too.
        await expect.poll(countDescriptors, { timeout: 30_000 }).toBeLessThan(before);
      });
    });

    const openDoor = (onClient: (leg: Leg) => void): ReturnType<Transport['listen']> =>
      stage().transport.listen({ host: '127.0.0.1', port: 0 }, onClient, { identity: () => stage().identity });

    /** Where a client that speaks TLS and an upstream that was dialled without a word of it meet, one pair at a time. */
    async function openMeetings(): Promise<() => Promise<Meeting>> {
      const { transport } = stage();
      let onPeer: (peer: Peer) => void = () => undefined;
      let onClient: (leg: Leg) => void = () => undefined;
      const port = await stage().openServer((socket) => onPeer(new Peer(socket)));
      const door = await openDoor((leg) => onClient(leg));
      return async () => {
        const peer = new Promise<Peer>((resolve) => (onPeer = resolve));
        const accepted = new Promise<Leg>((resolve) => (onClient = resolve));
        const client = stage().openTls({ port: door.address.port });
        const leg = await accepted;
        const upstreamLeg = await dial(transport, { host: '127.0.0.1', port });
        const splice: Meeting['splice'] = (options = {}) =>
          followSplice(transport, leg, upstreamLeg, { ...PATIENT, ...options });
        return { client, upstream: await peer, upstreamLeg, splice };
      };
    }

    /** The same without TLS. */
    async function openPlainMeetings(): Promise<() => Promise<Pick<Meeting, 'splice'>>> {
      const { transport } = stage();
      let onClient: (leg: Leg) => void = () => undefined;
      const port = await stage().openServer(() => undefined);
      const door = await transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => onClient(leg));
      return async () => {
        const accepted = new Promise<Leg>((resolve) => (onClient = resolve));
        stage().openTcp(door.address.port);
        const [leg, upstreamLeg] = [await accepted, await dial(transport, { host: '127.0.0.1', port })];
        return { splice: (options = {}) => followSplice(transport, leg, upstreamLeg, { ...PATIENT, ...options }) };
      };
    }

    const meet = async (): Promise<Meeting> => (await openMeetings())();
  });
}

interface Meeting {
  readonly client: TLSSocket;
  readonly upstream: Peer;
  readonly upstreamLeg: Leg;
  readonly splice: (options?: Partial<Omit<SpliceOptions, 'keeper'>>) => FollowedTunnel;
}

async function dial(transport: Transport, address: Address, near?: Leg): Promise<Leg> {
  const dialled = await transport.dial(address, { deadline: soon(), near }).done;
  if (dialled.kind !== 'connected') throw new Error(dialled.kind);
  return dialled.leg;
}

const left = (leg: Leg): Promise<string> => new Promise((resolve) => leg.whenGone(resolve));

async function readAll(leg: Leg): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const result = await leg.read(64 * 1024, soon());
    if (typeof result === 'string') return Buffer.concat(chunks);
    chunks.push(result);
  }
}

async function echoOnce(leg: Leg): Promise<void> {
  const result = await leg.read(100, soon());
  leg.close(typeof result === 'string' ? undefined : result);
}

function pieces(bytes: Buffer, length: number): Buffer[] {
  const count = Math.ceil(bytes.length / length);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * length, (index + 1) * length));
}

function countDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
