import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Transport } from '../../src/index.ts';
import { patternOf } from './bytes.ts';
import { useStage, type Tunnel } from './stage.ts';

export function describeMany(create: () => Transport): void {
  describe('many tunnels', () => {
    const stage = useStage(create);

    it('keeps 500 tunnels apart', async () => {
      const tunnels = await openTunnels(500);
      await Promise.all(
        tunnels.map(async ({ client, upstream }, index) => {
          const [up, down] = [patternOf(3_000, index + 1), patternOf(5_000, -index - 1)];
          client.send(up);
          upstream.send(down);
          expect((await upstream.receives(up.length)).equals(up)).toBe(true);
          expect((await client.receives(down.length)).equals(down)).toBe(true);
        }),
      );
    });

    it.skipIf(process.platform !== 'linux')('leaves no descriptor behind, however tunnels end', async () => {
      const descriptorsBefore = countDescriptors();
      const endings: ((tunnel: Tunnel) => void)[] = [
        ({ client, upstream }) => [client, upstream].forEach((peer) => peer.finish()),
        ({ client }) => client.reset(),
        ({ upstream }) => upstream.reset(),
        ({ splice, client, upstream }) => {
          splice.cut();
          [client, upstream].forEach((peer) => peer.finish());
        },
        ({ client, upstream }) => {
          client.finish();
          upstream.reset();
        },
      ];
      const tunnels = await openTunnels(100);
      tunnels.forEach((tunnel, index) => endings[index % endings.length]?.(tunnel));
      await Promise.all(tunnels.map(({ splice }) => splice.done));
      for (const { client, upstream } of tunnels) [client, upstream].forEach((peer) => peer.socket.destroy());
      await expect.poll(countDescriptors, { timeout: 30_000 }).toBeLessThanOrEqual(descriptorsBefore);
    });

    it('ends everything that is open when it stops, and may be stopped twice', async () => {
      const { transport } = stage();
      const tunnels = await openTunnels(10);
      const { leg } = await stage().connectClient();
      const read = leg.read(1, Infinity);
      await transport.stop();
      await Promise.all(tunnels.map(({ splice }) => splice.done));
      await Promise.all(tunnels.map(({ client }) => client.departure));
      expect(await read).toBe('end');
      await transport.stop();
    });

    const openTunnels = (count: number): Promise<Tunnel[]> =>
      Promise.all(Array.from({ length: count }, () => stage().openTunnel()));
  });
}

function countDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
