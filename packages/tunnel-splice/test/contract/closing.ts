import { describe, expect, it } from 'vitest';
import { LINGER_MS, type Transport } from '../../src/index.ts';
import { patternOf } from './bytes.ts';
import { useStage } from './stage.ts';

export function describeClosing(create: () => Transport): void {
  describe('a leg that ends without a splice', () => {
    const stage = useStage(create);

    it('sends what was written, in order, then the last bytes, then FIN', async () => {
      const { peer, leg } = await stage().connectClient();
      leg.write(Buffer.from('one '));
      leg.write(Buffer.from('two '));
      leg.close(Buffer.from('three'));
      expect((await peer.receivesAll()).toString()).toBe('one two three');
    });

    it('does not destroy its last words with an RST while the peer still talks', async () => {
      const { peer, leg } = await stage().connectClient();
      peer.send(patternOf(512 * 1024));
      leg.close(Buffer.from('refused'));
      expect((await peer.receivesAll()).toString()).toBe('refused');
    });

    it('answers a peer that has sent its FIN already', async () => {
      const { peer, leg } = await stage().connectClient();
      peer.finish();
      await leg.read(1, Infinity);
      leg.close(Buffer.from('too late'));
      expect((await peer.receivesAll()).toString()).toBe('too late');
    });

    it('gives up a peer that never ends once it has lingered', async () => {
      const { peer, leg } = await stage().connectClient();
      const before = performance.now();
      leg.close();
      await peer.departure;
      // Whatever is sent to a descriptor that is closed comes back as an RST.
      const talking = setInterval(() => peer.send('more'), 50);
      await new Promise((resolve) => peer.socket.once('close', resolve));
      clearInterval(talking);
      expect(performance.now() - before).toBeGreaterThanOrEqual(LINGER_MS);
      expect(performance.now() - before).toBeLessThan(LINGER_MS * 8);
    });

    it('ends with an RST when it is reset', async () => {
      const { peer, leg } = await stage().connectClient();
      leg.reset();
      expect(await peer.departure).toBe('reset');
    });

    it('keeps to the first of two ends', async () => {
      const closed = await stage().connectClient();
      closed.leg.close();
      closed.leg.reset();
      expect(await closed.peer.departure).toBe('end');
      const reset = await stage().connectClient();
      reset.leg.reset();
      reset.leg.close(Buffer.from('unheard'));
      expect(await reset.peer.departure).toBe('reset');
      expect(reset.peer.receivedBytes).toBe(0);
    });

    it('writes nothing after its end', async () => {
      const { peer, leg } = await stage().connectClient();
      leg.close(Buffer.from('all'));
      leg.write(Buffer.from('more'));
      expect((await peer.receivesAll()).toString()).toBe('all');
    });

    it('may be closed, written to and reset though its peer is gone', async () => {
      const { peer, leg } = await stage().connectClient();
      peer.reset();
      expect(await leg.read(1, Infinity)).toBe('reset');
      leg.write(Buffer.from('anyone?'));
      leg.close(Buffer.from('no'));
      leg.reset();
      expect(await leg.read(1, performance.now())).not.toBe('deadline');
    });

    it('answers a read that waits when it is closed', async () => {
      const { leg } = await stage().connectClient();
      const read = leg.read(1, Infinity);
      leg.close();
      expect(await read).toBe('end');
    });
  });
}
