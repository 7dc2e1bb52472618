/** A client that speaks TLS to the listener is relayed like any other. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { Leg, Transport, TunnelEnd, TunnelResult } from '../../src/index.ts';
import { FollowedTunnel, followSplice } from './followed.ts';
import { Peer } from './peer.ts';
import { PATIENT } from './stage.ts';
import { collect, soon, useTlsStage } from './tls-stage.ts';

export function describeRelayingTls(create: () => Transport): void {
  describe('relaying TLS', () => {
    const stage = useTlsStage(create);
    describe.each([
      { how: 'spliced with an upstream that was dialled near it', way: 'near' },
      { how: 'spliced with an upstream that was dialled anywhere', way: 'far' },
      { how: 'joined by a dial', way: 'join' },
    ] as const)('a client that speaks TLS, $how', ({ way }) => {
      const tunnelFrom = async (client: Leg, port: number, clientBytes: Uint8Array): Promise<FollowedTunnel> => {
        const { transport } = stage();
        const address = { host: '127.0.0.1', port };
        if (way === 'join') {
          const keeper = new FollowedTunnel(transport);
          const plan = { ...PATIENT, client, clientBytes, reply: new Uint8Array(0), keeper };
          const join = { ...plan, onUp: (tunnel: number) => keeper.isUp(tunnel) };
          expect(await transport.dial(address, { deadline: soon(), join }).done).toEqual({ kind: 'joined' });
          return keeper;
        }
        const near = way === 'near' ? client : undefined;
        const dialled = await transport.dial(address, { deadline: soon(), near }).done;
        if (dialled.kind !== 'connected') throw new Error(dialled.kind);
        return followSplice(transport, client, dialled.leg, { ...PATIENT, clientBytes });
      };
      const splice = async (
        onUpstream: (socket: Socket) => void,
      ): Promise<{ client: TLSSocket; done: Promise<TunnelResult> }> => {
        const upstreamPort = await stage().openServer(onUpstream);
        const client = stage().openTls({ port: await stage().openRelay() });
        client.write('first');
        const leg = await stage().accepted;
        const clientBytes = (await leg.read(100, soon())) as Uint8Array;
        return { client, done: (await tunnelFrom(leg, upstreamPort, clientBytes)).done };
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
        { who: 'client', end: 'client_reset', leave: () => stage().relayed?.resetAndDestroy() },
        { who: 'upstream', end: 'upstream_reset', leave: (_client, upstream) => upstream.resetAndDestroy() },
      ])('passes an RST of the $who on', async ({ end, leave }) => {
        let onUpstream: (socket: Socket) => void = () => undefined;
        const upstream = new Promise<Socket>((resolve) => (onUpstream = resolve));
        const { client, done } = await splice(onUpstream);
        client.resume();
        const origin = await upstream;
        await once(origin, 'data');
        const other = end === 'client_reset' ? origin : stage().relayed;
        const failed = other && once(other, 'error');
        leave(client, origin);
        expect((await done).end).toBe(end);
        expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
      });

      // libuv takes that for a plain end.
      it('passes on an RST right behind the last words of the client', async () => {
        let onUpstream: (socket: Socket) => void = () => undefined;
        const upstream = new Promise<Socket>((resolve) => (onUpstream = resolve));
        const { client, done } = await splice(onUpstream);
        const origin = new Peer(await upstream);
        await origin.receives('first'.length);
        stage().resetBehindNext();
        client.write('last words');
        expect(await origin.departure).toBe('reset');
        expect(origin.received.toString()).toBe('firstlast words');
        expect((await done).end).toBe('client_reset');
      });
    });
  });
}
