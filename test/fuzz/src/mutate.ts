/** Makes new inputs from known ones. */
import { MAX_INPUT_BYTES } from './current-input.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import type { Random } from './random.ts';

/** An input of a target: now and then pure chance, mostly a seed with a few changes. */
export function makeInput({ seeds, dictionary }: FuzzTarget, random: Random): Uint8Array {
  const [first, ...others] = seeds;
  if (first === undefined || random.chance(0.02)) return randomBytes(random.below(200), random);
  let bytes = random.pick([first, ...others]);
  const changes = 1 + random.below(random.chance(0.2) ? 12 : 3);
  for (let change = 0; change < changes; change += 1) {
    bytes = random.pick(MUTATIONS)(bytes, random, { seeds, dictionary });
  }
  return bytes.length > MAX_INPUT_BYTES ? bytes.subarray(0, MAX_INPUT_BYTES) : bytes;
}

type Mutation = (bytes: Uint8Array, random: Random, known: Pick<FuzzTarget, 'seeds' | 'dictionary'>) => Uint8Array;

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  function flipBit(bytes, random) {
    return withByte(bytes, random.below(bytes.length), (byte) => byte ^ (1 << random.below(8)));
  },
  function replaceByte(bytes, random) {
    return withByte(bytes, random.below(bytes.length), () => random.byte());
  },
  /** Lengths are off by one more often than by chance. */
  function countUpOrDown(bytes, random) {
    return withByte(bytes, random.below(bytes.length), (byte) => byte + (random.chance(0.5) ? 1 : -1));
  },
  function replaceByEdgeValue(bytes, random) {
    return withByte(bytes, random.below(bytes.length), () => random.pick([0, 1, 0x0a, 0x0d, 0x20, 0x7f, 0x80, 0xff]));
  },
  function insertWord(bytes, random, { dictionary }) {
    const [first, ...others] = dictionary;
    const at = random.below(bytes.length + 1);
    return first === undefined ? bytes : cutAndPut(bytes, [at, at], random.pick([first, ...others]));
  },
  function overwriteByWord(bytes, random, { dictionary }) {
    const [first, ...others] = dictionary;
    if (first === undefined) return bytes;
    const word = random.pick([first, ...others]);
    const at = random.below(bytes.length + 1);
    return cutAndPut(bytes, [at, at + word.length], word);
  },
  function remove(bytes, random) {
    return cutAndPut(bytes, range(bytes, random), new Uint8Array());
  },
  function repeat(bytes, random) {
    const [start, end] = range(bytes, random);
    const times = random.chance(0.1) ? random.below(100) : 1;
    const piece = Buffer.alloc((end - start) * times, bytes.subarray(start, end));
    return cutAndPut(bytes, [end, end], piece);
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length + 1));
  },
  function crossOver(bytes, random, { seeds }) {
    const [first = bytes, ...others] = seeds;
    const other = random.pick([first, ...others]);
    const tail = other.subarray(random.below(other.length + 1));
    return cutAndPut(bytes, [random.below(bytes.length + 1), bytes.length], tail);
  },
  function insertChance(bytes, random) {
    const at = random.below(bytes.length + 1);
    return cutAndPut(bytes, [at, at], randomBytes(1 + random.below(8), random));
  },
];

function withByte(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  if (at < changed.length) changed[at] = change(changed[at] ?? 0);
  return changed;
}

type Range = readonly [start: number, end: number];

function range(bytes: Uint8Array, random: Random): Range {
  const start = random.below(bytes.length + 1);
  const longest = Math.min(bytes.length - start, random.chance(0.2) ? bytes.length : 8);
  return [start, start + random.below(longest + 1)];
}

function cutAndPut(bytes: Uint8Array, [start, end]: Range, piece: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, start), piece, bytes.subarray(end)]);
}

function randomBytes(length: number, random: Random): Uint8Array {
  return Uint8Array.from({ length }, () => random.byte());
}
