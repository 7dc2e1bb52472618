import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ListenError, type Leg, type Transport } from '../../src/index.ts';
import { useStage } from './stage.ts';

export function describeListening(create: () => Transport): void {
  describe('listening', () => {
    const stage = useStage(create);

    it('hands over each client with both its addresses', async () => {
      const { peer, leg } = await stage().connectClient();
      expect(leg.remote).toEqual({ host: '127.0.0.1', port: peer.socket.localPort });
      expect(leg.local).toEqual(stage().door.address);
    });

    it('binds a free port when asked for port 0', () => {
      expect(stage().door.address.host).toBe('127.0.0.1');
      expect(stage().door.address.port).toBeGreaterThan(0);
    });

    it.each(['127.0.0.9', '127.10.99.100', '127.101.200.255'])('names the IPv4 client %s', async (localAddress) => {
      const clients: Leg[] = [];
      const door = await stage().transport.listen({ host: '0.0.0.0', port: 0 }, (leg) => clients.push(leg));
      const socket = connect({ host: '127.0.0.1', port: door.address.port, localAddress });
      await once(socket, 'connect');
      await expect.poll(() => clients[0]?.remote).toEqual({ host: localAddress, port: socket.localPort });
      expect(clients[0]?.local).toEqual({ host: '127.0.0.1', port: door.address.port });
      socket.destroy();
    });

    it('names an IPv6 client canonically', async () => {
      const clients: Leg[] = [];
      const door = await stage().transport.listen({ host: '::1', port: 0 }, (leg) => clients.push(leg));
      const socket = connect(door.address);
      await once(socket, 'connect');
      await expect.poll(() => clients[0]?.remote).toEqual({ host: '::1', port: socket.localPort });
      socket.destroy();
    });

    it('serves IPv6 alone on ::', async () => {
      const door = await stage().transport.listen({ host: '::', port: 0 }, (leg) => leg.reset());
      const socket = connect({ host: '127.0.0.1', port: door.address.port });
      await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });

    it('says that a port is in use', async () => {
      const refused = stage().transport.listen(stage().door.address, (leg) => leg.reset());
      await expect(refused).rejects.toBeInstanceOf(ListenError);
      await expect(refused).rejects.toMatchObject({ kind: 'in-use', bind: stage().door.address });
    });

    it('says that an address is not ours', async () => {
      const refused = stage().transport.listen({ host: '192.0.2.1', port: 0 }, (leg) => leg.reset());
      await expect(refused).rejects.toMatchObject({ kind: 'no-such-address' });
    });

    it('refuses connections once it is closed', async () => {
      await stage().door.close();
      await expect(once(connect(stage().door.address), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });

    it('still hands over the clients that were queued when it is closed', async () => {
      let clients = 0;
      const door = await stage().transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => {
        clients += 1;
        leg.close();
      });
      // On loopback the kernel queues them within `connect`; nobody has accepted them when `close` is called.
      const sockets = Array.from({ length: 20 }, () => connect(door.address));
      const connected = Promise.all(sockets.map((socket) => once(socket, 'connect')));
      await new Promise<void>((resolve) => process.nextTick(resolve));
      await Promise.all([connected, door.close()]);
      await expect.poll(() => clients).toBe(20);
    });

    it('cuts no tunnel by closing', async () => {
      const { client, upstream } = await stage().openTunnel();
      await stage().door.close();
      client.send('still here');
      expect((await upstream.receives(10)).toString()).toBe('still here');
    });
  });
}
