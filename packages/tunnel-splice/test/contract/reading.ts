import { describe, expect, it } from 'vitest';
import { READ_AHEAD_BYTES, TICK_MS, type Leg, type Transport } from '../../src/index.ts';
import { patternOf } from './bytes.ts';
import { leaveTwice } from './leave-twice.ts';
import { useStage } from './stage.ts';

export function describeReading(create: () => Transport): void {
  describe('a leg that is held', () => {
    const stage = useStage(create);

    it('hands out what the peer sends', async () => {
      const { peer, leg } = await stage().connectClient();
      const read = leg.read(100, Infinity);
      peer.send('hello');
      expect(textOf(await read)).toBe('hello');
    });

    it('hands out no more than the limit and keeps the rest', async () => {
      const { peer, leg } = await stage().connectClient();
      peer.send('abcdef');
      expect(textOf(await leg.read(2, Infinity))).toBe('ab');
      expect(textOf(await leg.read(1, Infinity))).toBe('c');
      expect(textOf(await leg.read(100, Infinity))).toBe('def');
    });

    it('keeps to the limit also where the read was waiting already', async () => {
      const { peer, leg } = await stage().connectClient();
      const read = leg.read(3, Infinity);
      peer.send('abcdef');
      expect(textOf(await read)).toBe('abc');
      expect(textOf(await leg.read(100, Infinity))).toBe('def');
    });

    it('loses nothing of what came before the first read, however much', async () => {
      const { peer, leg } = await stage().connectClient();
      const sent = patternOf(1024 * 1024);
      peer.send(sent);
      peer.finish();
      expect((await readToEnd(leg)).equals(sent)).toBe(true);
    });

    it('puts together what drips in while nobody reads', async () => {
      const { peer, leg } = await stage().connectClient();
      const sent = patternOf(3000);
      for (let at = 0; at < sent.length; at += 1) {
        peer.send(sent.subarray(at, at + 1));
        await new Promise((resolve) => setImmediate(resolve));
      }
      peer.finish();
      await new Promise<unknown>((resolve) => leg.whenGone(resolve));
      const pieces: Uint8Array[] = [];
      for (
        let read = await leg.read(100_000, Infinity);
        typeof read !== 'string';
        read = await leg.read(100_000, Infinity)
      ) {
        pieces.push(read);
      }
      expect(Buffer.concat(pieces).equals(sent)).toBe(true);
      expect(pieces.length).toBeLessThan(50);
    });

    it('hands out bytes that stay the same when more come', async () => {
      const { peer, leg } = await stage().connectClient();
      peer.send('first');
      const first = await leg.read(5, Infinity);
      peer.send('other');
      await leg.read(5, Infinity);
      expect(textOf(first)).toBe('first');
    });

    it('answers at the deadline, not before, and stays as it was', async () => {
      const { peer, leg } = await stage().connectClient();
      const deadline = performance.now() + 120;
      expect(await leg.read(10, deadline)).toBe('deadline');
      expect(performance.now()).toBeGreaterThanOrEqual(deadline);
      peer.send('late');
      expect(textOf(await leg.read(10, Infinity))).toBe('late');
    });

    it('answers a deadline that has passed already before one that passes some ticks later', async () => {
      const [{ leg }, { leg: other }] = [await stage().connectClient(), await stage().connectClient()];
      const now = performance.now();
      const answered: string[] = [];
      const read = async (what: string, from: Leg, deadline: number): Promise<void> => {
        answered.push(`${what}: ${String(await from.read(10, deadline))}`);
      };
      await Promise.all([read('later', other, now + TICK_MS * 10), read('passed', leg, now - 1_000)]);
      expect(answered).toEqual(['passed: deadline', 'later: deadline']);
    });

    it('reads the bytes before a FIN first, then end, for ever', async () => {
      const { peer, leg } = await stage().connectClient();
      peer.send('last words');
      peer.finish();
      expect((await readToEnd(leg)).toString()).toBe('last words');
      expect(await leg.read(10, Infinity)).toBe('end');
    });

    it('reads the end of a peer whose RST comes behind its FIN', async () => {
      const upstream = await stage().connectUpstream();
      await leaveTwice(upstream, 'answer');
      const { leg } = upstream;
      expect((await readToEnd(leg)).toString()).toBe('answer');
      const heard: string[] = [];
      leg.whenGone((how) => heard.push(how));
      expect(heard).toEqual(['end']);
    });

    it('reads reset after an RST', async () => {
      const { peer, leg } = await stage().connectClient();
      const read = leg.read(10, Infinity);
      peer.reset();
      expect(await read).toBe('reset');
      expect(await leg.read(10, Infinity)).toBe('reset');
    });

    it('notices a FIN while nobody reads', async () => {
      const { peer, leg } = await stage().connectClient();
      const gone = new Promise((resolve) => leg.whenGone(resolve));
      peer.finish();
      expect(await gone).toBe('end');
    });

    it('notices an RST while nobody reads', async () => {
      const { peer, leg } = await stage().connectClient();
      const gone = new Promise((resolve) => leg.whenGone(resolve));
      peer.reset();
      expect(await gone).toBe('reset');
    });

    it('notices an RST behind more bytes than it reads ahead', async () => {
      const { peer, leg } = await stage().connectClient();
      const gone = new Promise((resolve) => leg.whenGone(resolve));
      peer.send(patternOf(256 * 1024));
      // By now the read-ahead is full: the first byte has been waiting since.
      await leg.read(1, Infinity);
      peer.reset();
      expect(await gone).toBe('reset');
    });

    it('notices a FIN behind more bytes than it reads ahead, and still hands them out first', async () => {
      const { peer, leg } = await stage().connectClient();
      const sent = patternOf(2 * READ_AHEAD_BYTES);
      const gone = new Promise((resolve) => leg.whenGone(resolve));
      peer.send(sent);
      peer.finish();
      expect(await gone).toBe('end');
      expect((await readToEnd(leg)).equals(sent)).toBe(true);
    });

    it('notices a FIN behind bytes that nobody has read, and still hands them out first', async () => {
      const { peer, leg } = await stage().connectClient();
      const sent = patternOf(32 * 1024);
      const gone = new Promise((resolve) => leg.whenGone(resolve));
      peer.send(sent);
      peer.finish();
      expect(await gone).toBe('end');
      expect((await readToEnd(leg)).equals(sent)).toBe(true);
    });

    it('tells at once, in the same call, that the peer had left before', async () => {
      const { peer, leg } = await stage().connectClient();
      peer.finish();
      await leg.read(1, Infinity);
      const heard: string[] = [];
      leg.whenGone((how) => heard.push(how));
      expect(heard).toEqual(['end']);
    });

    it('does not call a listener that was forgotten', async () => {
      const { peer, leg } = await stage().connectClient();
      const heard: string[] = [];
      const forget = leg.whenGone((how) => heard.push(how));
      forget();
      const read = leg.read(1, Infinity);
      peer.finish();
      await read;
      expect(heard).toEqual([]);
    });

    it.each([
      { how: 'end', what: 'closed', endLeg: (leg: Leg) => leg.close() },
      { how: 'reset', what: 'reset', endLeg: (leg: Leg) => leg.reset() },
    ])('tells once that our side has $what the leg', async ({ how, endLeg }) => {
      const { leg } = await stage().connectClient();
      const heard: string[] = [];
      leg.whenGone((gone) => heard.push(gone));
      endLeg(leg);
      endLeg(leg);
      expect(heard).toEqual([how]);
    });

    it('does not tell of our end to who has heard of the peer', async () => {
      const { peer, leg } = await stage().connectClient();
      const heard: string[] = [];
      const gone = new Promise<void>((resolve) =>
        leg.whenGone((how) => {
          heard.push(how);
          resolve();
        }),
      );
      peer.finish();
      await gone;
      leg.close();
      expect(heard).toEqual(['end']);
    });

    it('notices a dialled peer that leaves, too', async () => {
      const { peer, leg } = await stage().connectUpstream();
      const gone = new Promise((resolve) => leg.whenGone(resolve));
      peer.reset();
      expect(await gone).toBe('reset');
    });
  });
}

/** All the bytes up to a FIN. */
async function readToEnd(leg: Leg): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const result = await leg.read(10_000, Infinity);
    if (result === 'end') return Buffer.concat(chunks);
    if (typeof result === 'string') throw new Error(`read ${result}`);
    chunks.push(result);
  }
}

function textOf(result: Uint8Array | string): string {
  return typeof result === 'string' ? `(${result})` : Buffer.from(result).toString();
}
