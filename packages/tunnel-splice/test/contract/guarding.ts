import { describe, expect, it } from 'vitest';
import type { AnswerGuard, Beginning, DialResult, JoinPlan, Leg, Transport } from '../../src/index.ts';
import { patternOf } from './bytes.ts';
import { FollowedTunnel, followSplice } from './followed.ts';
import { legOf, reads } from './handed-back.ts';
import { PATIENT, useStage } from './stage.ts';

/** `A`, any two bytes, `B`. */
const beginning: Beginning = { bytes: Buffer.from('A..B'), mask: Buffer.of(0xff, 0, 0, 0xff) };
const guard: AnswerGuard = { beginning, answerTimeoutMs: Infinity };
const hello = Buffer.from('hello');

export function describeGuarding(create: () => Transport): void {
  describe('a dial that is to join a client once its upstream has answered', () => {
    const stage = useStage(create);

    const join = (client: Leg, options: Partial<JoinPlan> = {}) =>
      stage().join(client, { guard, clientBytes: hello, ...options });

    it.each([
      ['otherwise', ['other']],
      ['otherwise in its last byte', ['A..', 'Cdef']],
      ['otherwise, byte by byte', ['A', '.', '.', 'C']],
      ['in nothing but a FIN', ['A.']],
    ])('joins it where that has answered %s, and loses nothing', async (_how, pieces) => {
      const { peer, leg } = await stage().connectClient();
      const { done, splice } = join(leg, { reply: Buffer.from('200 ') });
      const upstream = await stage().nextUpstream();
      expect((await upstream.receives(hello.length)).equals(hello)).toBe(true);
      for (const piece of pieces) await upstream.sends(Buffer.from(piece));
      upstream.finish();
      expect(await done).toEqual({ kind: 'joined' });
      peer.send('and on');
      peer.finish();
      expect((await peer.receivesAll()).toString()).toBe(`200 ${pieces.join('')}`);
      expect((await upstream.receivesAll()).toString()).toBe('helloand on');
      const { end, bytesUp, bytesDown, firstByteAt } = await splice.done;
      expect({ end, bytesUp, bytesDown }).toEqual({
        end: 'upstream_closed',
        bytesUp: 11,
        bytesDown: pieces.join('').length,
      });
      expect(firstByteAt).toBeDefined();
    });

    it('counts an answer that nothing follows', async () => {
      const { peer, leg } = await stage().connectClient();
      const { done, splice } = join(leg);
      const upstream = await stage().nextUpstream();
      await upstream.receives(hello.length);
      upstream.send('other');
      expect(await done).toEqual({ kind: 'joined' });
      await peer.receives(5);
      await expect.poll(() => splice.counts()).toEqual({ bytesUp: hello.length, bytesDown: 5 });
      peer.finish();
      upstream.finish();
      expect(await splice.done).toMatchObject({ bytesUp: hello.length, bytesDown: 5 });
    });

    it.each([
      ['whole', ['A..B and more']],
      ['byte by byte', ['A', '.', '.', 'B', ' and more']],
    ])('hands it back where that answers in the given way, %s, with all of the answer unread', async (_how, pieces) => {
      const { peer, leg } = await stage().connectClient();
      const { done, splice } = join(leg, { reply: Buffer.from('200 ') });
      const upstream = await stage().nextUpstream();
      await upstream.receives(hello.length);
      for (const piece of pieces) await upstream.sends(Buffer.from(piece));
      const answering = legOf(await done);
      expect(await reads(answering, 13)).toBe('A..B and more');
      peer.send('my next word');
      expect(await reads(leg, 12)).toBe('my next word');
      expect(upstream.received.equals(hello)).toBe(true);
      expect(splice.number).toBeUndefined();
      await relaysOn(leg, answering);
      expect((await peer.receives(4)).toString()).toBe('down');
    });

    it.each([
      ['before the dial', async (say: () => Promise<void>) => say(), () => undefined],
      ['while it is made', () => undefined, async (say: () => Promise<void>) => say()],
    ])('hands it back where the client says more %s', async (_when, before, meanwhile) => {
      const { peer, leg } = await stage().connectClient();
      const say = (): Promise<void> => peer.sends(Buffer.from('more'));
      await before(say);
      const { done } = join(leg);
      await meanwhile(say);
      const upstream = await stage().nextUpstream();
      const answering = legOf(await done);
      expect(await reads(leg, 4)).toBe('more');
      expect((await upstream.receives(hello.length)).equals(hello)).toBe(true);
      await relaysOn(leg, answering);
    });

    it('hands it back where the client says more after half an answer, which is unread too', async () => {
      const { peer, leg } = await stage().connectClient();
      const { done } = join(leg);
      const upstream = await stage().nextUpstream();
      await upstream.receives(hello.length);
      await upstream.sends(Buffer.from('A.'));
      peer.send('more');
      peer.finish();
      const answering = legOf(await done);
      expect(await reads(answering, 2)).toBe('A.');
      expect(await reads(leg, 4)).toBe('more');
      expect(await leg.read(1, Infinity)).toBe('end');
      await relaysOn(leg, answering);
    });

    it('loses and doubles nothing of what the client says before, while and after it is handed back', async () => {
      const { peer, leg } = await stage().connectClient();
      const sent = patternOf(300_000);
      peer.send(sent.subarray(0, 40_000));
      const clientBytes = await leg.read(1_000, Infinity);
      if (typeof clientBytes === 'string') throw new Error(clientBytes);
      peer.send(sent.subarray(40_000, 100_000));
      const { done } = join(leg, { clientBytes });
      peer.send(sent.subarray(100_000));
      const upstream = await stage().nextUpstream();
      followSplice(stage().transport, leg, legOf(await done), PATIENT);
      expect((await upstream.receives(sent.length)).equals(sent)).toBe(true);
    });

    it('joins it where the client leaves by FIN, which is passed on', async () => {
      const { peer, leg } = await stage().connectClient();
      let hasGone = false;
      leg.whenGone(() => (hasGone = true));
      const { done, splice } = join(leg);
      const upstream = await stage().nextUpstream();
      await upstream.receives(hello.length);
      peer.finish();
      expect(await done).toEqual({ kind: 'joined' });
      expect((await upstream.receivesAll()).equals(hello)).toBe(true);
      upstream.send('late');
      upstream.finish();
      expect((await peer.receivesAll()).toString()).toBe('late');
      expect((await splice.done).end).toBe('client_closed');
      expect(hasGone).toBe(false);
    });

    it.each(['client', 'upstream'] as const)(
      'joins it where the %s resets, and ends the tunnel for that',
      async (who) => {
        const { peer, leg } = await stage().connectClient();
        const { done, splice } = join(leg);
        const upstream = await stage().nextUpstream();
        await upstream.receives(hello.length);
        (who === 'client' ? peer : upstream).reset();
        expect(await done).toEqual({ kind: 'joined' });
        expect((await splice.done).end).toBe(`${who}_reset`);
        expect(await (who === 'client' ? upstream : peer).departure).toBe('reset');
      },
    );

    it('joins it where the upstream says nothing for so long', async () => {
      const { peer, leg } = await stage().connectClient();
      const { done } = join(leg, { guard: { beginning, answerTimeoutMs: 100 } });
      expect(await done).toEqual({ kind: 'joined' });
      const upstream = await stage().nextUpstream();
      peer.send(' again');
      expect((await upstream.receives(11)).toString()).toBe('hello again');
      upstream.send('A..B');
      expect((await peer.receives(4)).toString()).toBe('A..B');
    });

    it.each([
      ['idle', { idleTimeoutMs: 200 }],
      ['lifetime', { lifetimeMs: 200 }],
    ] as const)('ends it at %s, counted from its connection, where the upstream says nothing', async (end, limits) => {
      const { peer, leg } = await stage().connectClient();
      const { splice } = join(leg, limits);
      expect((await splice.done).end).toBe(end);
      expect(await peer.departure).toBe('end');
    });

    it('gives the upstream up when its client is closed meanwhile, and says how much was sent', async () => {
      const { peer, leg } = await stage().connectClient();
      const sent: number[] = [];
      const { done, splice } = join(leg, { onUnjoined: (bytesUp) => void sent.push(bytesUp) });
      const upstream = await stage().nextUpstream();
      await upstream.receives(hello.length);
      leg.close(Buffer.from('no'));
      expect(await done).toEqual({ kind: 'cancelled' });
      expect(sent).toEqual([hello.length]);
      await upstream.departure;
      expect((await peer.receivesAll()).toString()).toBe('no');
      expect(splice.number).toBeUndefined();
    });

    it('leaves the client as it was when it is cancelled, for another dial', async () => {
      const { peer, leg } = await stage().connectClient();
      const first = join(leg);
      const given = await stage().nextUpstream();
      await given.receives(hello.length);
      first.cancel();
      expect(await first.done).toEqual({ kind: 'cancelled' });
      await given.departure;
      const second = join(leg);
      const upstream = await stage().nextUpstream();
      upstream.send('other');
      expect(await second.done).toEqual({ kind: 'joined' });
      expect((await peer.receives(5)).toString()).toBe('other');
      expect((await upstream.receives(hello.length)).equals(hello)).toBe(true);
    });

    it('is made once, where several dials have the same plan', async () => {
      const { leg } = await stage().connectClient();
      const keeper = new FollowedTunnel(stage().transport);
      const onUp = keeper.isUp.bind(keeper);
      const plan = { ...PATIENT, client: leg, reply: Buffer.alloc(0), clientBytes: hello, guard, keeper, onUp };
      const dial = (): Promise<DialResult> =>
        stage().transport.dial(stage().upstreamAddress, { deadline: Infinity, join: plan }).done;
      const dials = [dial(), dial(), dial()];
      const answers = (async () => {
        for (;;) (await stage().nextUpstream()).send('A..B');
      })();
      const results = await Promise.all(dials);
      expect(results.map(({ kind }) => kind).sort()).toEqual(['cancelled', 'cancelled', 'connected']);
      expect(keeper.number).toBeUndefined();
      void answers;
    });

    it('ends with the transport', async () => {
      const { leg } = await stage().connectClient();
      const { done } = join(leg);
      const upstream = await stage().nextUpstream();
      await upstream.receives(hello.length);
      await stage().transport.stop();
      expect(await done).toEqual({ kind: 'cancelled' });
      await upstream.departure;
    });

    /** Both legs are as any others: a splice takes them, and what either side says from now on arrives. */
    async function relaysOn(client: Leg, upstream: Leg): Promise<void> {
      const splice = followSplice(stage().transport, client, upstream, {
        ...PATIENT,
        clientBytes: Buffer.from('up'),
        upstreamBytes: Buffer.from('down'),
      });
      await expect.poll(() => splice.counts()).toEqual({ bytesUp: 2, bytesDown: 4 });
      splice.cut();
      await splice.done;
    }
  });
}
