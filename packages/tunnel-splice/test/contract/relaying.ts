import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Transport } from '../../src/index.ts';
import { patternOf } from './bytes.ts';
import { followSplice } from './followed.ts';
import { PATIENT, useStage } from './stage.ts';

const MIB = 1024 * 1024;

export function describeRelaying(create: () => Transport): void {
  describe('a splice', () => {
    const stage = useStage(create);

    it('carries bytes both ways', async () => {
      const { client, upstream } = await stage().openTunnel();
      client.send('ping');
      expect((await upstream.receives(4)).toString()).toBe('ping');
      upstream.send('pong');
      expect((await client.receives(4)).toString()).toBe('pong');
    });

    it('sends on, in order, what was handed to it, what was read ahead, and what comes after', async () => {
      const [client, upstream] = await Promise.all([stage().connectClient(), stage().connectUpstream()]);
      client.peer.send('abcdef');
      const clientBytes = await client.leg.read(3, Infinity);
      if (typeof clientBytes === 'string') throw new Error(clientBytes);
      client.peer.send('ghi');
      followSplice(stage().transport, client.leg, upstream.leg, { ...PATIENT, clientBytes });
      client.peer.send('jkl');
      expect((await upstream.peer.receives(12)).toString()).toBe('abcdefghijkl');
    });

    it('sends down what was read from the upstream before', async () => {
      const { client } = await stage().openTunnel({ upstreamBytes: Buffer.from('banner') });
      expect((await client.receives(6)).toString()).toBe('banner');
    });

    it('sends a reply that was written just before it ahead of the bytes it relays', async () => {
      const [client, upstream] = await Promise.all([stage().connectClient(), stage().connectUpstream()]);
      upstream.peer.send('relayed');
      client.leg.write(Buffer.from('200 '));
      followSplice(stage().transport, client.leg, upstream.leg, PATIENT);
      expect((await client.peer.receives(11)).toString()).toBe('200 relayed');
    });

    it('lets nothing it relays overtake what was written before and is still on its way', async () => {
      const [client, upstream] = await Promise.all([stage().connectClient(), stage().connectUpstream()]);
      const [written, relayed] = [patternOf(16 * MIB, 1), patternOf(16 * MIB, 2)];
      client.leg.write(written);
      followSplice(stage().transport, client.leg, upstream.leg, PATIENT);
      upstream.peer.send(relayed);
      const received = await client.peer.receives(32 * MIB);
      expect(digestOf(received)).toBe(digestOf(Buffer.concat([written, relayed])));
    });

    it('loses nothing of 64 KiB that came before it with a FIN behind', async () => {
      const [client, upstream] = await Promise.all([stage().connectClient(), stage().connectUpstream()]);
      const sent = patternOf(64 * 1024);
      client.peer.send(sent);
      client.peer.finish();
      await new Promise((resolve) => client.leg.whenGone(resolve));
      followSplice(stage().transport, client.leg, upstream.leg, PATIENT);
      expect((await upstream.peer.receivesAll()).equals(sent)).toBe(true);
    });

    it('carries 64 MiB both ways at once, unchanged', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      const [up, down] = [patternOf(64 * MIB, 1), patternOf(64 * MIB, 2)];
      client.send(up);
      client.finish();
      upstream.send(down);
      upstream.finish();
      const [atUpstream, atClient] = await Promise.all([upstream.receivesAll(), client.receivesAll()]);
      expect(digestOf(atUpstream)).toBe(digestOf(up));
      expect(digestOf(atClient)).toBe(digestOf(down));
      expect(await splice.done).toMatchObject({ bytesUp: 64 * MIB, bytesDown: 64 * MIB });
    });

    it('carries a conversation of single bytes', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      for (let turn = 1; turn <= 200; turn += 1) {
        client.send('?');
        await upstream.receives(turn);
        upstream.send('!');
        await client.receives(turn);
      }
      // Counted once the kernel has them: on another thread, that may be a moment after the peer has.
      await expect.poll(() => splice.counts()).toEqual({ bytesUp: 200, bytesDown: 200 });
    });

    it('counts while it lives, handed-over bytes included', async () => {
      const { client, upstream, splice } = await stage().openTunnel({ clientBytes: Buffer.from('hello') });
      client.send(patternOf(100_000));
      upstream.send('abc');
      await Promise.all([upstream.receives(100_005), client.receives(3)]);
      await expect.poll(() => splice.counts()).toEqual({ bytesUp: 100_005, bytesDown: 3 });
    });

    it('notes when the first byte came from the upstream', async () => {
      const before = performance.now();
      const { client, upstream, splice } = await stage().openTunnel();
      upstream.send('first');
      await client.receives(5);
      splice.cut();
      const { firstByteAt } = await splice.done;
      expect(firstByteAt).toBeGreaterThan(before);
      expect(firstByteAt).toBeLessThanOrEqual(performance.now());
    });

    it('leaves the first byte out where none came', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      client.send('up only');
      await upstream.receives(7);
      splice.cut();
      expect(await splice.done).toHaveProperty('firstByteAt', undefined);
    });

    it('holds a sender back while its reader stalls, and loses nothing by it', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      const sent = patternOf(64 * MIB);
      upstream.stall();
      client.send(sent);
      client.finish();
      // A tunnel beside it is not held back with it.
      const beside = await stage().openTunnel();
      beside.client.send(patternOf(MIB));
      await beside.upstream.receives(MIB);
      expect(splice.counts().bytesUp).toBeLessThan(sent.length);
      upstream.readOn();
      expect(digestOf(await upstream.receivesAll())).toBe(digestOf(sent));
    });
  });
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
