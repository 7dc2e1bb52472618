/**
 * Names in flat memory: the bytes of all of them in one array, and a hash table of their offsets.
 *
 * A Map of strings is right for thousands of names. With a million it takes seconds to build and 150 MiB to keep, and the garbage
 * collector walks it repeatedly while tunnels wait. This table takes the bytes of the names and some 20 bytes for each.
 */
import { randomInt } from 'node:crypto';
import { type Steps, stepsOf } from '@sallyport/config';

/** Numbers, from 1 on, by canonical name; a name that begins with a dot stands for all names below it. */
export class NameTable {
  /** One name after the other: its number (4 bytes), its length (1 byte), its characters. */
  #entries = new DataView(new ArrayBuffer(1024));
  /** No entry is at offset 0: in `#slots` it means free. */
  #end = FIRST_ENTRY;
  #count = 0;
  /** Offsets of entries, placed by hash (open addressing); a power of two, at most half of it taken. */
  #slots = new Uint32Array(64);

  /** False: `makeRoom` comes before the next `update`. */
  get hasRoom(): boolean {
    return this.#count * 2 <= this.#slots.length && this.#end + LONGEST_ENTRY <= this.#entries.byteLength;
  }

  /** Apart from `update`, for it has steps: the table of a million names takes a tenth of a second to grow. */
  *makeRoom(): Steps<void> {
    if (this.#end + LONGEST_ENTRY > this.#entries.byteLength) yield* this.#growEntries();
    if (this.#count * 2 > this.#slots.length) yield* this.#growSlots();
  }

  /** Sets a name's number to what `change` makes of its present one, which is 0 if it has none. There must be room. */
  update(name: string, change: (present: number) => number): void {
    const slot = this.#find(name, 0, hashName(name));
    const entry = this.#slots[slot] || this.#append(name, slot);
    this.#entries.setUint32(entry, change(this.#entries.getUint32(entry)));
  }

  has(name: string): boolean {
    return this.#slots[this.#find(name, 0, hashName(name))] !== 0;
  }

  /** The numbers of the name itself and of every `.suffix` of it. Hashed from its end, all are found in one pass. */
  valuesOf(name: string): readonly number[] {
    const values: number[] = [];
    let hash = SEED;
    for (let at = name.length - 1; at >= 0; at--) {
      const code = name.charCodeAt(at);
      hash = hashOn(hash, code);
      if (code !== DOT && at > 0) continue;
      const entry = this.#slots[this.#find(name, at, hash)] ?? 0;
      if (entry !== 0) values.push(this.#entries.getUint32(entry));
    }
    return values;
  }

  /** The slot of the text that begins at `start`, or the free slot for it. */
  #find(text: string, start: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = firstSlot(hash, mask); ; slot = (slot + 1) & mask) {
      const entry = slots[slot] ?? 0;
      if (entry === 0 || this.#isName(entry, text, start)) return slot;
    }
  }

  #isName(entry: number, text: string, start: number): boolean {
    const entries = this.#entries;
    if (entries.getUint8(entry + LENGTH) !== text.length - start) return false;
    for (let at = start, other = entry + CHARACTERS; at < text.length; at++, other++) {
      if (entries.getUint8(other) !== text.charCodeAt(at)) return false;
    }
    return true;
  }

  #append(name: string, slot: number): number {
    const entry = this.#end;
    this.#end += CHARACTERS + name.length;
    const entries = this.#entries;
    entries.setUint8(entry + LENGTH, name.length);
    for (let at = 0, to = entry + CHARACTERS; at < name.length; at++, to++) entries.setUint8(to, name.charCodeAt(at));
    this.#slots[slot] = entry;
    this.#count++;
    return entry;
  }

  *#growEntries(): Steps<void> {
    const present = new Uint8Array(this.#entries.buffer);
    const larger = new Uint8Array(present.length * 2);
    for (let at = 0; at < present.length; at += BYTES_A_STEP) {
      larger.set(present.subarray(at, at + BYTES_A_STEP), at);
      yield;
    }
    this.#entries = new DataView(larger.buffer);
  }

  /** Places all entries anew, in the order in which they lie in memory, for speed. */
  *#growSlots(): Steps<void> {
    const isStep = stepsOf(ENTRIES_A_STEP);
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    const entries = this.#entries;
    for (let entry = FIRST_ENTRY; entry < this.#end;) {
      const next = entry + CHARACTERS + entries.getUint8(entry + LENGTH);
      let hash = SEED;
      for (let at = next - 1; at >= entry + CHARACTERS; at--) hash = hashOn(hash, entries.getUint8(at));
      let slot = firstSlot(hash, mask);
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry;
      entry = next;
      if (isStep()) yield;
    }
    this.#slots = slots;
  }
}

const FIRST_ENTRY = 1;

/** Where in an entry its length is, and where its characters. */
const LENGTH = 4;
const CHARACTERS = 5;

/** Its length is one byte. */
const LONGEST_ENTRY = CHARACTERS + 255;

const BYTES_A_STEP = 256 * 1024;
const ENTRIES_A_STEP = 1024;

const DOT = 0x2e;

/** Lists of names may come from others. A random seed prevents names chosen to collide in one slot. */
const SEED = randomInt(2 ** 32) | 0;

function hashName(name: string): number {
  let hash = SEED;
  for (let at = name.length - 1; at >= 0; at--) hash = hashOn(hash, name.charCodeAt(at));
  return hash;
}

/** One step of FNV-1a. */
function hashOn(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x0100_0193);
}

/** The low bits of FNV-1a depend only on the low bits of each character, so the high ones are mixed in. */
function firstSlot(hash: number, mask: number): number {
  return (hash ^ (hash >>> 15)) & mask;
}
