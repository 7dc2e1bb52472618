import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createPortableTransport } from '../src/index.ts';
import { PortableLeg } from '../src/portable/leg.ts';
import { useStage } from './contract/stage.ts';

describe('a portable leg', () => {
  const stage = useStage(createPortableTransport);

  // libuv refuses a reset during a shutdown, and Node then loses the descriptor.
  it.skipIf(process.platform !== 'linux')(
    'can be reset while its FIN is on the way, and keeps no descriptor',
    async () => {
      const { peer, leg } = await stage().connectClient();
      if (!(leg instanceof PortableLeg)) throw new TypeError('not a portable leg');
      const descriptors = (): number => readdirSync('/proc/self/fd').length;
      const before = descriptors();
      leg.finish();
      leg.reset();
      await peer.departure;
      peer.socket.destroy();
      // Both ends are in this process.
      await expect.poll(descriptors).toBe(before - 2);
    },
  );
});
