import { describe, expect, it } from 'vitest';
import type { Address, Transport } from '../../src/index.ts';
import { patternOf } from './bytes.ts';
import { FollowedTunnel, followSplice } from './followed.ts';
import { openSilentListener } from './silent-listener.ts';
import { PATIENT, useStage } from './stage.ts';

export function describeJoining(create: () => Transport): void {
  describe('a dial that is to join a client', () => {
    const stage = useStage(create);

    it('says that the tunnel is up, and where it leads', async () => {
      const { leg } = await stage().connectClient();
      const before = performance.now();
      const seen: { tunnel: number; upstream: Address; upAt: number }[] = [];
      const keeper = new FollowedTunnel(stage().transport);
      const { done } = stage().join(leg, {
        keeper,
        onUp: (tunnel, upstream, upAt) => {
          keeper.isUp(tunnel);
          seen.push({ tunnel, upstream, upAt });
        },
      });
      expect(await done).toEqual({ kind: 'joined' });
      expect(seen).toMatchObject([{ upstream: stage().upstreamAddress }]);
      expect(seen[0]?.upAt).toBeGreaterThanOrEqual(before - 1);
      expect(seen[0]?.upAt).toBeLessThanOrEqual(performance.now() + 1);
    });

    it('tells its listener that it has joined once the tunnel was told to be up', async () => {
      const { transport, upstreamAddress } = stage();
      const { leg } = await stage().connectClient();
      const keeper = new FollowedTunnel(transport);
      const told: string[] = [];
      const onUp = (tunnel: number): void => {
        keeper.isUp(tunnel);
        told.push('up');
      };
      const join = { ...PATIENT, client: leg, reply: new Uint8Array(0), keeper, onUp };
      await new Promise<void>((resolve) =>
        transport.dial(upstreamAddress, { deadline: Infinity, join }).whenDone(({ kind }) => {
          told.push(kind);
          resolve();
        }),
      );
      expect(told).toEqual(['up', 'joined']);
    });

    it('sends the reply ahead of all that the upstream says, and does not count it', async () => {
      const { peer, leg } = await stage().connectClient();
      const { splice } = stage().join(leg, { reply: Buffer.from('200 '), clientBytes: Buffer.from('hello') });
      const upstream = await stage().nextUpstream();
      expect((await upstream.receives(5)).toString()).toBe('hello');
      upstream.send('welcome');
      expect((await peer.receives(11)).toString()).toBe('200 welcome');
      await expect.poll(() => splice.counts()).toEqual({ bytesUp: 5, bytesDown: 7 });
    });

    it('loses and doubles nothing of what comes before, while and after it dials', async () => {
      const { peer, leg } = await stage().connectClient();
      const sent = patternOf(300_000);
      peer.send(sent.subarray(0, 40_000));
      const clientBytes = await leg.read(1_000, Infinity);
      if (typeof clientBytes === 'string') throw new Error(clientBytes);
      peer.send(sent.subarray(40_000, 100_000));
      stage().join(leg, { clientBytes });
      peer.send(sent.subarray(100_000));
      const upstream = await stage().nextUpstream();
      expect((await upstream.receives(sent.length)).equals(sent)).toBe(true);
    });

    it('does not join a client that has left', async () => {
      const { peer, leg } = await stage().connectClient();
      peer.send('and this is all');
      peer.finish();
      await new Promise((resolve) => leg.whenGone(resolve));
      expect(await stage().join(leg).done).toEqual({ kind: 'cancelled' });
    });

    it('tells of a client that leaves meanwhile', async () => {
      const silent = await openSilentListener();
      const { peer, leg } = await stage().connectClient();
      const gone = new Promise((resolve) => leg.whenGone(resolve));
      const keeper = new FollowedTunnel(stage().transport);
      const join = { ...PATIENT, client: leg, reply: Buffer.alloc(0), keeper, onUp: () => undefined };
      const dial = stage().transport.dial(silent.address, { deadline: Infinity, join });
      peer.reset();
      expect(await gone).toBe('reset');
      dial.cancel();
      expect(await dial.done).toEqual({ kind: 'cancelled' });
      await silent.close();
    });

    it('joins once, where several dials have the same plan', async () => {
      const { peer, leg } = await stage().connectClient();
      const keeper = new FollowedTunnel(stage().transport);
      let ups = 0;
      const onUp = (tunnel: number): void => {
        ups += 1;
        keeper.isUp(tunnel);
      };
      const join = { ...PATIENT, client: leg, reply: Buffer.alloc(0), clientBytes: Buffer.from('once'), keeper, onUp };
      const dials = [1, 2, 3].map(() => stage().transport.dial(stage().upstreamAddress, { deadline: Infinity, join }));
      const kinds = (await Promise.all(dials.map((dial) => dial.done))).map(({ kind }) => kind);
      expect(kinds.sort()).toEqual(['cancelled', 'cancelled', 'joined']);
      expect(ups).toBe(1);
      peer.finish();
      await expect.poll(() => keeper.counts()).toEqual({ bytesUp: 4, bytesDown: 0 });
    });

    it('leaves the client as it was when it fails, for a refusal or for another address', async () => {
      // tcpmux: no system gives this port to another process of ours.
      const closed = { host: '127.0.0.1', port: 1 };
      const [one, other] = await Promise.all([stage().connectClient(), stage().connectClient()]);
      const keeper = new FollowedTunnel(stage().transport);
      const plan = { ...PATIENT, reply: Buffer.from('200 '), keeper, onUp: keeper.isUp.bind(keeper) };
      for (const { leg } of [one, other]) {
        const dial = stage().transport.dial(closed, { deadline: Infinity, join: { ...plan, client: leg } });
        expect(await dial.done).toEqual({ kind: 'refused' });
      }
      one.leg.close(Buffer.from('502'));
      expect((await one.peer.receivesAll()).toString()).toBe('502');
      const join = { ...plan, client: other.leg };
      expect(await stage().transport.dial(stage().upstreamAddress, { deadline: Infinity, join }).done).toEqual({
        kind: 'joined',
      });
      const upstream = await stage().nextUpstream();
      upstream.send('late');
      expect((await other.peer.receives(8)).toString()).toBe('200 late');
    });

    it.each([
      ['a splice', {}],
      ['a dial that hands it back', { preface: Buffer.from('may I?'), answer: Buffer.from('yes') }],
    ])('leaves all that the client has sent when it fails, for %s', async (_what, asking) => {
      const { peer, leg } = await stage().connectClient();
      const sent = patternOf(300_000);
      peer.send(sent.subarray(0, 50_000));
      const clientBytes = await leg.read(1_000, Infinity);
      if (typeof clientBytes === 'string') throw new Error(clientBytes);
      const keeper = new FollowedTunnel(stage().transport);
      const plan = { ...PATIENT, client: leg, clientBytes, reply: Buffer.alloc(0), keeper };
      const join = { ...plan, onUp: keeper.isUp.bind(keeper) };
      const closed = { host: '127.0.0.1', port: 1 };
      expect((await stage().transport.dial(closed, { deadline: Infinity, join }).done).kind).toBe('refused');
      peer.send(sent.subarray(50_000));
      const isAsking = 'answer' in asking;
      const options = { deadline: Infinity, ...(isAsking && { ...asking, join }) };
      const dial = stage().transport.dial(stage().upstreamAddress, options);
      const upstream = await stage().nextUpstream();
      if (isAsking) {
        await upstream.receives(asking.preface.length);
        upstream.send('no!');
      }
      const dialled = await dial.done;
      if (dialled.kind !== 'connected') throw new Error(dialled.kind);
      followSplice(stage().transport, leg, dialled.leg, { ...PATIENT, clientBytes });
      const prefaceBytes = isAsking ? asking.preface.length : 0;
      const received = await upstream.receives(prefaceBytes + sent.length);
      expect(received.subarray(prefaceBytes).equals(sent)).toBe(true);
    });

    it('joins nobody once its client is closed', async () => {
      const { peer, leg } = await stage().connectClient();
      const { done, splice } = stage().join(leg);
      leg.close(Buffer.from('no'));
      const upstream = await stage()
        .nextUpstream()
        .catch(() => undefined);
      expect(await done).toEqual({ kind: 'cancelled' });
      expect(await upstream?.departure).not.toBe('reset');
      expect((await peer.receivesAll()).toString().length).toBeLessThanOrEqual(2);
      expect(splice.counts()).toEqual({ bytesUp: 0, bytesDown: 0 });
    });
  });
}
