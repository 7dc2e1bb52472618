import { describe, expect, it } from 'vitest';
import type { Beginning, DialOptions, JoinPlan, Leg, Transport } from '../../src/index.ts';
import { patternOf } from './bytes.ts';
import { followSplice } from './followed.ts';
import { legOf, reads } from './handed-back.ts';
import { PATIENT, useStage } from './stage.ts';

const preface = Buffer.from('may I? ');
const answer = Buffer.from('you may.');
const reply = Buffer.from('200 ');

/** `A`, any two bytes, `B`. */
const beginning: Beginning = { bytes: Buffer.from('A..B'), mask: Buffer.of(0xff, 0, 0, 0xff) };

export function describeAsking(create: () => Transport): void {
  describe('a dial that is to join a client once its preface was answered', () => {
    const stage = useStage(create);

    const join = (client: Leg, plan: Partial<JoinPlan> = {}, dialling: Partial<DialOptions> = {}) =>
      stage().join(client, { clientBytes: Buffer.from('first '), reply, ...plan }, { preface, answer, ...dialling });

    /** What a transport does that waits for no answer, and the holder of its legs in its place. */
    const joinedByHand = async (
      joining: ReturnType<typeof join>,
      client: Leg,
      plan: Partial<JoinPlan> = {},
    ): Promise<ReturnType<typeof join>['splice']> => {
      const result = await joining.done;
      if (result.kind === 'joined') return joining.splice;
      expect(stage().transport.name, 'waits for no answer').toBe('portable');
      const upstream = legOf(result);
      expect(await reads(upstream, answer.length)).toBe(answer.toString());
      client.write(reply);
      return followSplice(stage().transport, client, upstream, {
        ...PATIENT,
        clientBytes: Buffer.from('first '),
        ...plan,
      });
    };

    it.each([
      ['whole', ['you may.']],
      ['byte by byte', Array.from('you may.')],
      ['with what the destination says behind it', ['you may.hello']],
      ['half, and with what the destination says behind it', ['you ', 'may.hello', ' again']],
    ])('joins it where the answer comes %s; neither counts', async (_how, pieces) => {
      const { peer, leg } = await stage().connectClient();
      const joining = join(leg);
      const upstream = await stage().nextUpstream();
      expect((await upstream.receives(preface.length)).equals(preface)).toBe(true);
      for (const piece of pieces) await upstream.sends(Buffer.from(piece));
      const splice = await joinedByHand(joining, leg);
      peer.send('and on');
      peer.finish();
      upstream.finish();
      const said = pieces.join('').slice(answer.length);
      expect((await peer.receivesAll()).toString()).toBe(`200 ${said}`);
      expect((await upstream.receivesAll()).toString()).toBe('may I? first and on');
      expect(await splice.done).toMatchObject({ bytesUp: 12, bytesDown: said.length });
    });

    it('says nothing more before the answer, and reads nothing from the client', async () => {
      const { peer, leg } = await stage().connectClient();
      const joining = join(leg);
      const upstream = await stage().nextUpstream();
      const sent = patternOf(300_000);
      await peer.sends(sent.subarray(0, 100));
      peer.send(sent.subarray(100));
      await upstream.receives(preface.length);
      await upstream.sends(answer.subarray(0, 4));
      expect(upstream.received.equals(preface)).toBe(true);
      await upstream.sends(answer.subarray(4));
      await joinedByHand(joining, leg, { clientBytes: Buffer.from('first ') });
      const before = preface.length + 6;
      expect((await upstream.receives(before + sent.length)).subarray(before).equals(sent)).toBe(true);
    });

    it.each([
      ['otherwise', ['you may not']],
      ['otherwise in its last byte', ['you may', '!']],
      ['at length, and otherwise', [patternOf(60_000)]],
    ])('hands it back where the answer is %s, which is still to be read', async (_how, pieces) => {
      const { peer, leg } = await stage().connectClient();
      const { done, splice } = join(leg);
      const upstream = await stage().nextUpstream();
      await upstream.receives(preface.length);
      for (const piece of pieces) await upstream.sends(Buffer.from(piece));
      const said = Buffer.concat(pieces.map((piece) => Buffer.from(piece)));
      const handedBack = legOf(await done);
      expect((await reads(handedBack, said.length)) === said.toString()).toBe(true);
      peer.send('what now?');
      expect(await reads(leg, 9)).toBe('what now?');
      expect(splice.number).toBeUndefined();
      expect(upstream.received.equals(preface)).toBe(true);
      handedBack.close();
    });

    it.each(['end', 'reset'] as const)('hands it back where the answer is broken off by %s', async (how) => {
      const { leg } = await stage().connectClient();
      const { done } = join(leg);
      const upstream = await stage().nextUpstream();
      await upstream.receives(preface.length);
      await upstream.sends(Buffer.from('you '));
      if (how === 'end') upstream.finish();
      const handedBack = how === 'end' ? legOf(await done) : undefined;
      if (how === 'reset') upstream.reset();
      const broken = handedBack ?? legOf(await done);
      expect(await reads(broken, 4)).toBe('you ');
      expect(await broken.read(1, Infinity)).toBe(how);
    });

    it('hands it back at the deadline, with what there is of the answer', async () => {
      const { leg } = await stage().connectClient();
      const { done } = join(leg, {}, { deadline: performance.now() + 600 });
      const upstream = await stage().nextUpstream();
      await upstream.receives(preface.length);
      await upstream.sends(Buffer.from('you '));
      const handedBack = legOf(await done);
      expect(await reads(handedBack, 4)).toBe('you ');
      upstream.send('may.');
      expect(await reads(handedBack, 4)).toBe('may.');
    });

    it('hands it back where the client has said more than goes up first', async () => {
      const { peer, leg } = await stage().connectClient();
      await peer.sends(Buffer.from('more'));
      expect(await reads(leg, 4)).toBe('more');
      leg.putBack(Buffer.from('more'));
      const { done } = join(leg);
      const upstream = await stage().nextUpstream();
      await upstream.receives(preface.length);
      upstream.send(answer);
      const handedBack = legOf(await done);
      expect(await reads(handedBack, answer.length)).toBe(answer.toString());
      expect(await reads(leg, 4)).toBe('more');
      expect(upstream.received.equals(preface)).toBe(true);
    });

    it('tells that the client leaves meanwhile, and gives the upstream up when it is cancelled', async () => {
      const { peer, leg } = await stage().connectClient();
      const joining = join(leg);
      const gone = new Promise((resolve) => leg.whenGone(resolve));
      const upstream = await stage().nextUpstream();
      await upstream.receives(preface.length);
      peer.reset();
      expect(await gone).toBe('reset');
      joining.cancel();
      const result = await joining.done;
      if (result.kind === 'connected') result.leg.reset();
      else expect(result).toEqual({ kind: 'cancelled' });
      expect(await upstream.departure).toBe('reset');
      expect(upstream.received.equals(preface)).toBe(true);
    });

    it('leaves the client as it was where it fails, for a splice that loses nothing', async () => {
      const { peer, leg } = await stage().connectClient();
      const sent = patternOf(100_000);
      peer.send(sent);
      const clientBytes = await leg.read(500, Infinity);
      if (typeof clientBytes === 'string') throw new Error(clientBytes);
      const failed = join(leg, { clientBytes });
      failed.cancel();
      expect(await failed.done).toEqual({ kind: 'cancelled' });
      const upstream = await stage().connectUpstream();
      followSplice(stage().transport, leg, upstream.leg, { ...PATIENT, clientBytes });
      expect((await upstream.peer.receives(sent.length)).equals(sent)).toBe(true);
      upstream.peer.send('down');
      expect((await peer.receives(4)).toString()).toBe('down');
    });

    it('counts its lifetime from the answer, however late that comes', async () => {
      const { leg } = await stage().connectClient();
      const joining = join(leg, { lifetimeMs: 300 });
      const upstream = await stage().nextUpstream();
      await upstream.receives(preface.length);
      await new Promise((resolve) => setTimeout(resolve, 400));
      const answeredAt = performance.now();
      await upstream.sends(answer);
      const splice = await joinedByHand(joining, leg, { lifetimeMs: 300 });
      const { end, endedAt } = await splice.done;
      expect(end).toBe('lifetime');
      expect(endedAt - answeredAt).toBeGreaterThanOrEqual(299);
    });

    it.each([
      ['joins it', 'other', 'joined'],
      ['hands it back, which is told from an answer that is still to be read,', 'A..B', 'connected'],
    ])('%s by its guard behind the answer', async (_what, said, kind) => {
      const { peer, leg } = await stage().connectClient();
      const joining = join(leg, { guard: { beginning, answerTimeoutMs: Infinity } });
      const upstream = await stage().nextUpstream();
      await upstream.receives(preface.length);
      await upstream.sends(answer);
      if (stage().transport.name === 'portable') {
        expect(await joining.done).toMatchObject({ kind: 'connected' });
        return;
      }
      expect((await upstream.receives(preface.length + 6)).toString()).toBe('may I? first ');
      upstream.send(said);
      const result = await joining.done;
      expect(result.kind).toBe(kind);
      if (result.kind === 'joined') {
        expect((await peer.receives(9)).toString()).toBe('200 other');
        return;
      }
      expect(result).toMatchObject({ isAnswered: true });
      expect(await reads(legOf(result), 4)).toBe('A..B');
    });
  });
}
