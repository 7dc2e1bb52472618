/**
 * Remembers what short runs of bytes were last read as: a name or a head that clients send again and again. Reading one anew costs several
 * calls into V8 and the strings that they make; finding it costs two passes over its bytes.
 *
 * What the bytes mean must follow from the bytes alone. Each run has one place, by its hash, and the last one that was read stays there:
 * a sender of many different runs costs the others a reading, and no memory.
 */
export class BytesMemo<Meaning> {
  readonly #places: (Known<Meaning> | undefined)[];
  readonly #longestBytes: number;
  readonly #read: (bytes: Uint8Array, start: number, end: number) => Meaning;
  readonly #isKept: (meaning: Meaning, lengthBytes: number) => boolean;

  constructor({ places, longestBytes, read, isKept = () => true }: BytesMemoOptions<Meaning>) {
    this.#places = new Array<undefined>(places).fill(undefined);
    this.#longestBytes = longestBytes;
    this.#read = read;
    this.#isKept = isKept;
  }

  /** What the bytes from `start` up to `end` mean. Whoever asks must not change it. */
  meaningOf(bytes: Uint8Array, start: number, end: number): Meaning {
    if (end - start > this.#longestBytes) return this.#read(bytes, start, end);
    const place = hash(bytes, start, end) % this.#places.length;
    const known = this.#places[place];
    if (known !== undefined && isSame(known.bytes, bytes, start, end)) return known.meaning;
    const meaning = this.#read(bytes, start, end);
    if (this.#isKept(meaning, end - start))
      this.#places[place] = { bytes: new Uint8Array(bytes.subarray(start, end)), meaning };
    return meaning;
  }
}

export interface BytesMemoOptions<Meaning> {
  /** How many runs are remembered at most. */
  readonly places: number;
  /** Longer runs are read each time. */
  readonly longestBytes: number;
  readonly read: (bytes: Uint8Array, start: number, end: number) => Meaning;
  /** False for what must not stay in memory, such as a password. Left out: everything is kept. */
  readonly isKept?: (meaning: Meaning, lengthBytes: number) => boolean;
}

interface Known<Meaning> {
  readonly bytes: Uint8Array;
  readonly meaning: Meaning;
}

/**
 * FNV-1a, whose low bits are then mixed with the high ones: alone they are often the same for names that differ in a few digits. Whoever
 * looks for runs of one hash wins nothing but their being read each time.
 */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x11c9dc5;
  for (let at = start; at < end; at++) value = Math.imul(value ^ (bytes[at] ?? 0), 0x1000193);
  value = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  return (value ^ (value >>> 15)) & 0x7fff_ffff;
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let at = 0; at < known.length; at++) if (known[at] !== bytes[start + at]) return false;
  return true;
}
