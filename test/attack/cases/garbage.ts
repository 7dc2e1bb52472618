/** Randomly changed heads and hellos, at every door. */
import { makeInput } from '../../fuzz/src/mutate.ts';
import { Random } from '../../fuzz/src/random.ts';
import { headSeeds, headWords } from '../../fuzz/src/seeds/heads.ts';
import { helloSeeds } from '../../fuzz/src/seeds/hellos.ts';
import { call, firstWords } from '../client.ts';
import type { Case } from './all.ts';

const DOORS = ['explicit', 'transparent', 'credentials', 'secured', 'checked', 'admin'] as const;
const AT_ONCE = 16;

export const garbageCases: Readonly<Record<string, Case>> = {
  'random heads': ({ ports, seed }) => {
    const random = new Random(seed, 1);
    return () =>
      throwAt(ports, () => makeInput({ seeds: headSeeds, dictionary: headWords, check: () => undefined }, random));
  },
  'random hellos': ({ ports, seed }) => {
    const random = new Random(seed, 2);
    return () => throwAt(ports, () => makeInput({ seeds: helloSeeds, dictionary: [], check: () => undefined }, random));
  },
};

async function throwAt(ports: Readonly<Record<string, number>>, make: () => Uint8Array): Promise<void> {
  await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, at) => {
      const socket = await call(ports[DOORS[at % DOORS.length] ?? 'explicit'] ?? 0, make());
      socket.end();
      await firstWords(socket, 300);
      socket.destroy();
    }),
  );
}
