import { describe, expect, it } from 'vitest';
import type { Transport } from '../../src/index.ts';
import { patternOf } from './bytes.ts';
import { followSplice } from './followed.ts';
import { leaveTwice } from './leave-twice.ts';
import type { Peer } from './peer.ts';
import { PATIENT, useStage, type Way } from './stage.ts';

const FLOOD = 64 * 1024 * 1024;

export function describeDepartures(create: () => Transport, way: Way): void {
  describe('a splice whose peers leave', () => {
    const stage = useStage(create, way);

    it('passes on the FIN of the client and lets the upstream answer', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      client.send('question');
      client.finish();
      expect((await upstream.receivesAll()).toString()).toBe('question');
      upstream.send('answer');
      upstream.finish();
      expect((await client.receivesAll()).toString()).toBe('answer');
      expect(await splice.done).toMatchObject({ end: 'client_closed', bytesUp: 8, bytesDown: 6 });
    });

    it('passes on the FIN of the upstream and lets the client go on', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      upstream.send('bye');
      upstream.finish();
      expect((await client.receivesAll()).toString()).toBe('bye');
      client.send('wait');
      client.finish();
      expect((await upstream.receivesAll()).toString()).toBe('wait');
      expect(await splice.done).toMatchObject({ end: 'upstream_closed', bytesUp: 4, bytesDown: 3 });
    });

    it('ends once when both FINs come together', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      client.finish();
      upstream.finish();
      expect(await Promise.all([client.departure, upstream.departure])).toEqual(['end', 'end']);
      expect((await splice.done).end).toMatch(/^(client|upstream)_closed$/);
    });

    it('delivers all that was sent before a FIN to a reader that stalls', async () => {
      const { client, upstream } = await stage().openTunnel();
      const sent = patternOf(FLOOD);
      client.stall();
      upstream.send(sent);
      upstream.finish();
      // The FIN from the other side is passed on meanwhile.
      client.finish();
      expect(await upstream.departure).toBe('end');
      client.readOn();
      expect((await client.receivesAll()).equals(sent)).toBe(true);
    });

    it('passes on the RST of the client', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      client.reset();
      expect(await upstream.departure).toBe('reset');
      expect((await splice.done).end).toBe('client_reset');
    });

    it('passes on the RST of the upstream', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      upstream.reset();
      expect(await client.departure).toBe('reset');
      expect((await splice.done).end).toBe('upstream_reset');
    });

    it('passes on an RST that follows a FIN from the same side', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      client.finish();
      await upstream.departure;
      client.reset();
      expect((await splice.done).end).toBe('client_closed');
      await hearsReset(upstream);
    });

    it('hears the RST of a reader that stalls', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      upstream.stall();
      client.send(patternOf(FLOOD));
      await expect.poll(() => splice.counts().bytesUp).toBeGreaterThan(100_000);
      upstream.reset();
      expect(await client.departure).toBe('reset');
      expect((await splice.done).end).toBe('upstream_reset');
    });

    it('hears the RST of a sender that is being held back', async () => {
      const { client, upstream, splice } = await stage().openTunnel();
      upstream.stall();
      client.send(patternOf(FLOOD));
      await expect.poll(() => splice.counts().bytesUp).toBeGreaterThan(100_000);
      client.reset();
      // The reader goes on stalling: it must be told all the same.
      expect((await splice.done).end).toBe('client_reset');
    });

    it('ends at once with a client that had reset before', async () => {
      const [client, upstream] = await Promise.all([stage().connectClient(), stage().connectUpstream()]);
      client.peer.reset();
      await new Promise((resolve) => client.leg.whenGone(resolve));
      const splice = followSplice(stage().transport, client.leg, upstream.leg, PATIENT);
      expect((await splice.done).end).toBe('client_reset');
      expect(await upstream.peer.departure).toBe('reset');
    });

    it('passes on the FIN of an upstream that had left before, and its last bytes', async () => {
      const [client, upstream] = await Promise.all([stage().connectClient(), stage().connectUpstream()]);
      upstream.peer.send('goodbye');
      upstream.peer.finish();
      await new Promise((resolve) => upstream.leg.whenGone(resolve));
      const splice = followSplice(stage().transport, client.leg, upstream.leg, PATIENT);
      expect((await client.peer.receivesAll()).toString()).toBe('goodbye');
      client.peer.finish();
      expect(await splice.done).toMatchObject({ end: 'upstream_closed', bytesDown: 7 });
    });

    it.each(['client', 'upstream'] as const)(
      'ends by the FIN with which the %s had left before, and passes on the RST behind it',
      async (who) => {
        const [client, upstream] = await Promise.all([stage().connectClient(), stage().connectUpstream()]);
        const [left, other] = who === 'client' ? [client, upstream] : [upstream, client];
        await leaveTwice(left, 'goodbye');
        const splice = followSplice(stage().transport, client.leg, upstream.leg, PATIENT);
        expect((await splice.done).end).toBe(`${who}_closed`);
        expect((await other.peer.receives(7)).toString()).toBe('goodbye');
        await hearsReset(other.peer);
      },
    );

    it('forgets who was to be told of a departure', async () => {
      const [client, upstream] = await Promise.all([stage().connectClient(), stage().connectUpstream()]);
      const heard: string[] = [];
      client.leg.whenGone((how) => heard.push(how));
      const splice = followSplice(stage().transport, client.leg, upstream.leg, PATIENT);
      client.peer.reset();
      await splice.done;
      expect(heard).toEqual([]);
    });
  });
}

/** A socket of Node that has read its FIN hears of an RST when it writes. */
async function hearsReset({ socket }: Peer): Promise<void> {
  const talking = setInterval(() => socket.write('anyone?'), 20);
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(talking);
}
