import { describe, expect, it } from 'vitest';
import type { Transport } from '../../src/index.ts';
import { patternOf } from './bytes.ts';
import { useStage } from './stage.ts';

/** More than the kernel takes while the peer reads nothing: 4 MiB to send and 6 MiB to receive, as Linux comes. */
const MORE_THAN_KERNEL_BYTES = 24 * 1024 * 1024;

export function describeWriting(create: () => Transport): void {
  describe('a leg that is written to', () => {
    const stage = useStage(create);

    it('is drained while nothing was written', async () => {
      const { leg } = await stage().connectClient();
      await leg.drained();
    });

    it('is drained once the kernel has all that was written, and not while a stalled peer holds it back', async () => {
      const { peer, leg } = await stage().connectClient();
      peer.stall();
      const bytes = patternOf(MORE_THAN_KERNEL_BYTES);
      leg.write(bytes);
      let isDrained = false;
      const drained = leg.drained().then(() => (isDrained = true));
      // A second leg's round trip is time enough for the first one to be drained, if it ever were.
      const other = await stage().connectClient();
      other.leg.write(Buffer.from('x'));
      await other.peer.receives(1);
      await other.leg.drained();
      expect(isDrained).toBe(false);

      peer.readOn();
      await drained;
      expect((await peer.receives(bytes.length)).equals(bytes)).toBe(true);
    });

    it('can be waited for again and again', async () => {
      const { peer, leg } = await stage().connectClient();
      const bytes = patternOf(1024 * 1024);
      for (let at = 0; at < bytes.length; at += 65_536) {
        leg.write(bytes.subarray(at, at + 65_536));
        await leg.drained();
      }
      expect((await peer.receives(bytes.length)).equals(bytes)).toBe(true);
    });

    it.each(['reset', 'close'] as const)('is waited for no longer after %s', async (end) => {
      const { peer, leg } = await stage().connectClient();
      peer.stall();
      leg.write(patternOf(MORE_THAN_KERNEL_BYTES));
      const drained = leg.drained();
      leg[end]();
      await drained;
      peer.reset();
    });

    it('is waited for no longer when its peer resets', async () => {
      const { peer, leg } = await stage().connectClient();
      peer.stall();
      leg.write(patternOf(MORE_THAN_KERNEL_BYTES));
      const drained = leg.drained();
      peer.reset();
      await drained;
    });
  });
}
