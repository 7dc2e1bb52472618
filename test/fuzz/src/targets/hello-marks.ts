/** Hellos that agree in all marked bytes: they are read alike, so what was decided for one of them holds for the others. */
import { isDeepStrictEqual } from 'node:util';
import { readRandom } from '../../../../apps/ssl-preread-frontend/dist/client-hello.js';
import { markHello } from '../../../../apps/ssl-preread-frontend/dist/hello-marks.js';
import { createHelloScan } from '../../../../apps/ssl-preread-frontend/dist/read-hello.js';
import type { FuzzTarget } from '../fuzz-target.ts';
import type { Random } from '../random.ts';
import { helloSeeds, helloWords } from '../seeds/hellos.ts';

type Marks = NonNullable<ReturnType<typeof markHello>>;

export const helloMarksTarget: FuzzTarget = {
  seeds: helloSeeds,
  dictionary: helloWords,
  check(input, random) {
    const whole = createHelloScan()(input);
    if (whole.kind !== 'hello') return undefined;
    if (whole.endsAt < input.length && markHello(input) !== undefined) return 'bytes behind the hello are overlooked';
    const hello = input.subarray(0, whole.endsAt);
    const marks = markHello(hello);
    if ((marks !== undefined) !== isOneRecord(hello)) return `it is ${marks ? '' : 'not '}marked`;
    return marks && checkOther(changeUnmarked(hello, marks, random), { facts: whole.hello, marks });
  },
};

function isOneRecord(hello: Uint8Array): boolean {
  const [type, , , high = 0, low = 0] = hello;
  return type === 22 && 5 + high * 256 + low === hello.length;
}

/** Some of the bytes, or all of them. */
function changeUnmarked(hello: Uint8Array, { mask }: Marks, random: Random): Uint8Array {
  const share = random.pick([0.02, 0.3, 1]);
  return hello.map((byte, at) => (mask[at] === 0 && random.chance(share) ? random.byte() : byte));
}

function checkOther(other: Uint8Array, { facts, marks }: { facts: object; marks: Marks }): string | undefined {
  const read = createHelloScan()(other);
  const { at, length } = marks.random;
  const random = readRandom(other.subarray(at, at + length));
  const expected = { kind: 'hello', hello: { ...facts, random }, endsAt: other.length };
  if (!isDeepStrictEqual(read, expected)) return `it becomes ${JSON.stringify(read)}`;
  return isDeepStrictEqual(markHello(other), marks) ? undefined : 'it is marked otherwise';
}
