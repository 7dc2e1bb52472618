/** JSON written as bytes into a buffer that is used again: what JSON.stringify makes, with control characters escaped as everywhere in the log. */
import { escapeControls } from './escape-controls.ts';

const INITIAL_BYTES = 4 * 1024;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
/** The longest number, with its decimal point. */
const LONGEST_NUMBER_BYTES = 32;
/** Up to this count of microseconds, milliseconds to three places are written digit by digit. It is 31 years. */
const LARGEST_MICROSECONDS = 1e15;

export class JsonBytes {
  bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  /** Bytes that are JSON already. */
  raw(bytes: Uint8Array): void {
    const { length } = bytes;
    this.reserve(length);
    this.bytes.set(bytes, this.length);
    this.length += length;
  }

  /** Text that is JSON already. */
  json(text: string): void {
    this.reserve(3 * text.length);
    this.length += this.bytes.write(text, this.length);
  }

  /** Printable ASCII is copied. A text with any other character is encoded and escaped. */
  text(text: string): void {
    const { length } = text;
    this.reserve(length + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = QUOTE;
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) {
        this.json(escapeControls(JSON.stringify(text)));
        return;
      }
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.length = at;
  }

  texts(list: readonly string[]): void {
    for (const [index, text] of list.entries()) {
      this.raw(index === 0 ? BEFORE_FIRST : BEFORE_NEXT);
      this.text(text);
    }
    this.raw(list.length === 0 ? EMPTY_LIST : AFTER_LAST);
  }

  flag(value: boolean): void {
    this.raw(value ? TRUE : FALSE);
  }

  /** A whole number. Any other number is written as JSON does it. */
  count(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      this.json(JSON.stringify(value));
      return;
    }
    this.reserve(LONGEST_NUMBER_BYTES);
    this.#digits(value, digitsOf(value));
  }

  /** Milliseconds, to three places. */
  ms(value: number): void {
    const microseconds = Math.round(value * 1000);
    if (!(microseconds >= 0 && microseconds < LARGEST_MICROSECONDS)) {
      this.json(JSON.stringify(microseconds / 1000));
      return;
    }
    this.reserve(LONGEST_NUMBER_BYTES);
    const whole = Math.floor(microseconds / 1000);
    this.#digits(whole, digitsOf(whole));
    let places = 3;
    let rest = microseconds - 1000 * whole;
    if (rest === 0) return;
    for (; rest % 10 === 0; rest /= 10) places -= 1;
    this.bytes[this.length] = POINT;
    this.length += 1;
    this.#digits(rest, places);
  }

  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.bytes.length));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** The last `digits` of a whole number; the room was checked. */
  #digits(value: number, digits: number): void {
    const { bytes } = this;
    let rest = value;
    for (let at = this.length + digits - 1; at >= this.length; at -= 1) {
      const tenth = Math.floor(rest / 10);
      // In this order: near 2^53 a sum would be inexact.
      bytes[at] = ZERO + (rest - 10 * tenth);
      rest = tenth;
    }
    this.length += digits;
  }
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let power = 10; power <= value; power *= 10) digits += 1;
  return digits;
}

const POINT = 0x2e;
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const BEFORE_FIRST = Buffer.from('[');
const BEFORE_NEXT = Buffer.from(',');
const AFTER_LAST = Buffer.from(']');
const EMPTY_LIST = Buffer.from('[]');
