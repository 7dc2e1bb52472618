import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Transport } from '../../src/index.ts';
import { PROBE_MS } from '../../src/portable/leg.ts';
import { patternOf } from './bytes.ts';
import { followSplice } from './followed.ts';
import type { Peer } from './peer.ts';
import { PATIENT, useStage, type Tunnel, type Way } from './stage.ts';

const MIB = 1024 * 1024;
/** What is lost by chance is lost in one of so many. */
const TRIES = 10;
/** On a busy machine, one that says nothing may take a fifth of a second. */
const PATIENCE_MS = 5_000;

type Who = 'client' | 'upstream';
const otherOf = (who: Who): Who => (who === 'client' ? 'upstream' : 'client');

/** What one side has said before it went must arrive, and the way it went too. */
export function describeLosses(create: () => Transport, way: Way): void {
  describe('a splice of which one side is lost', () => {
    const stage = useStage(create, way);

    it.each<Who>(['client', 'upstream'])('delivers the last words of the %s before its RST', async (who) => {
      for (let attempt = 0; attempt < TRIES; attempt += 1) {
        const tunnel = await stage().openTunnel();
        tunnel[who].send('last words');
        tunnel[who].reset();
        await expectCutAfter(tunnel, otherOf(who), Buffer.from('last words'));
        expect((await tunnel.splice.done).end).toBe(`${who}_reset`);
      }
    });

    it('delivers what the upstream answers before it closes in the middle of an upload', async () => {
      const answer = patternOf(100_000);
      const until = performance.now() + PATIENCE_MS;
      let heardIn = 0;
      while (heardIn < TRIES && (heardIn === 0 || performance.now() < until)) {
        const tunnel = await stage().openTunnel();
        const { client, upstream, splice } = tunnel;
        client.send(patternOf(8 * MIB));
        await upstream.receives(1);
        upstream.stall();
        await upstream.sends(answer);
        // Closed with unread bytes it sends an RST, which throws away what it has not delivered yet (RFC 2525, 2.17).
        await expect.poll(() => willReset(upstream)).toBe(true);
        upstream.socket.destroy();
        expect(await client.departure).toBe('reset');
        expect((await splice.done).end).toBe('upstream_reset');
        // Where a write tells it of the RST, Node.js reads no more: then our client itself has lost what had come.
        if (client.failedCall === 'write') continue;
        expect(digestOf(client.received)).toBe(digestOf(answer));
        heardIn += 1;
      }
    });

    it.each<Who>(['client', 'upstream'])('delivers to a slow reader what the %s said before its RST', async (who) => {
      const tunnel = await stage().openTunnel();
      const reader = otherOf(who);
      const said = patternOf(MIB);
      tunnel[reader].stall();
      await tunnel[who].sends(said);
      await expect
        .poll(() => tunnel.splice.counts())
        .toMatchObject({ [who === 'client' ? 'bytesUp' : 'bytesDown']: MIB });
      tunnel[who].reset();
      tunnel[reader].readOn();
      await expectCutAfter(tunnel, reader, said);
    });

    it.each<Who>(['client', 'upstream'])(
      'ends by the RST of the %s, though the other side ends before it has read all',
      async (who) => {
        const { splice, ...peers } = await openStuffed(who);
        peers[who].reset();
        await hasLooked();
        peers[otherOf(who)].finish();
        peers[otherOf(who)].readOn();
        expect((await splice.done).end).toBe(`${who}_reset`);
      },
    );

    it.each<Who>(['client', 'upstream'])(
      'ends by the RST of the %s, and passes it on, though it is cut',
      async (who) => {
        const { splice, ...peers } = await openStuffed(who);
        peers[who].reset();
        await hasLooked();
        splice.cut();
        peers[otherOf(who)].readOn();
        expect(await peers[otherOf(who)].departure).toBe('reset');
        expect((await splice.done).end).toBe(`${who}_reset`);
      },
    );

    it.each([
      { when: 'before the other side has read all', isRead: false },
      { when: 'right behind its end', isRead: true },
    ])('passes on an RST though the transport stops $when', async ({ isRead }) => {
      const { client, upstream, splice } = await openStuffed('client');
      client.reset();
      if (isRead) upstream.readOn();
      else await hasLooked();
      if (isRead) await splice.done;
      await stage().transport.stop();
      upstream.readOn();
      expect(await upstream.departure).toBe('reset');
      expect((await splice.done).end).toBe('client_reset');
    });

    it.each<Who>(['client', 'upstream'])('ends by the FIN of the %s, whatever comes behind it', async (who) => {
      for (let attempt = 0; attempt < TRIES; attempt += 1) {
        const { splice, ...peers } = await stage().openTunnel();
        peers[who].send('all');
        peers[who].socket.end(() => peers[who].reset());
        expect((await peers[otherOf(who)].receivesAll()).toString()).toBe('all');
        // Where the transport has not noticed the RST, this meets it.
        peers[otherOf(who)].send('anyone?');
        peers[otherOf(who)].finish();
        expect((await splice.done).end).toBe(`${who}_closed`);
      }
    });

    it.each<Who>(['client', 'upstream'])(
      'ends by the FIN of the %s, though the other side then resets',
      async (who) => {
        const { splice, ...peers } = await stage().openTunnel();
        peers[who].finish();
        await peers[otherOf(who)].departure;
        peers[otherOf(who)].reset();
        // The RST is passed on all the same.
        await new Promise((resolve) => peers[who].socket.once('close', resolve));
        expect((await splice.done).end).toBe(`${who}_closed`);
      },
    );

    it('is ended by an RST that the last write before it met', async () => {
      const [client, upstream] = await Promise.all([stage().connectClient(), stage().connectUpstream()]);
      upstream.peer.reset();
      upstream.leg.write(Buffer.from('hello'));
      const options = { ...PATIENT, clientBytes: Buffer.from('and more') };
      const splice = followSplice(stage().transport, client.leg, upstream.leg, options);
      expect((await splice.done).end).toBe('upstream_reset');
      expect(await client.peer.departure).toBe('reset');
    });

    /** One with more on its way from this side than the kernel takes, for the other side reads nothing. */
    async function openStuffed(who: Who): Promise<Tunnel> {
      const tunnel = await stage().openTunnel();
      tunnel[otherOf(who)].stall();
      tunnel[who].send(patternOf(64 * MIB));
      const relayed = (): number => tunnel.splice.counts()[who === 'client' ? 'bytesUp' : 'bytesDown'];
      await expect.poll(relayed).toBeGreaterThan(100_000);
      return tunnel;
    }
  });
}

/** A leg that is not read is looked at every second, by a timer of this same thread: by now it was. */
function hasLooked(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1.5 * PROBE_MS));
}

/** `reader` has got just that, and then an RST. */
async function expectCutAfter(tunnel: Tunnel, reader: Who, said: Buffer): Promise<void> {
  expect(await tunnel[reader].departure).toBe('reset');
  expect(digestOf(tunnel[reader].received)).toBe(digestOf(said));
}

function willReset(peer: Peer): boolean {
  const { undelivered, unread } = peer.heldByKernel();
  return undelivered === 0 && unread > 0;
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
