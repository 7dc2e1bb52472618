/** Both transports on the same schedule: each byte of the input is one action of a peer, and both must show the same result. */
import { isDeepStrictEqual } from 'node:util';
import { createNativeTransport, createPortableTransport } from '../../../../packages/tunnel-splice/dist/index.js';
import type { FuzzTarget } from '../fuzz-target.ts';
import { openStage, type Stage } from './transport-stage.ts';
import { playSchedule } from './transport-schedule.ts';

export function openTransportsTarget(): FuzzTarget {
  let stages: Promise<readonly [Stage, Stage]> | undefined;
  return {
    seeds: [
      Uint8Array.of(0x08, 0x09, 0x02, 0x03), // a few bytes each way, then FIN each way
      Uint8Array.of(0x30, 0x29, 0x04), // bulk each way, then an RST
      Uint8Array.of(0xc7, 0x02, 0x31, 0x05), // read before the splice, then half-closed, then an RST
      Uint8Array.of(0x87, 0x0f, 0x17, 0x1f, 0x06), // both at once, larger and larger, then cut
    ],
    dictionary: [],
    async check(input) {
      stages ??= openStages();
      const [portable, native] = await stages;
      const schedule = input.subarray(0, 24);
      const [seenByPortable, seenByNative] = await Promise.all([
        playSchedule(portable, schedule),
        playSchedule(native, schedule),
      ]);
      if (isDeepStrictEqual(seenByPortable, seenByNative)) return undefined;
      return `portable saw ${JSON.stringify(seenByPortable)}, native ${JSON.stringify(seenByNative)}`;
    },
    async close() {
      for (const stage of (await stages) ?? []) await stage.close();
    },
  };
}

async function openStages(): Promise<readonly [Stage, Stage]> {
  const native = createNativeTransport({ threads: 2 });
  if (native.kind === 'unavailable') throw new Error(`there is no native engine to compare with: ${native.reason}`);
  return [await openStage(createPortableTransport()), await openStage(native.transport)];
}
