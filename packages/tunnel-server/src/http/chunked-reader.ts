/** Decodes the chunked transfer coding (RFC 9112 §7.1), a whole buffer at a time: chunks of one byte must cost no more than their bytes. */
import { ByteQueue } from '../byte-queue.ts';
import type { ContentPiece, ContentReader } from './content-reader.ts';
import {
  type Dialect,
  type Field,
  findHeadEnd,
  isControl,
  type Malformed,
  malformed,
  parseFieldLines,
  splitHead,
} from './head-lines.ts';

/**
 * The limit of a chunk's size and extensions. Node.js had a vulnerability here (CVE-2024-22019): endless extensions that did not count.
 */
const SIZE_LINE_BYTES = 1024;

/** The same limit as for a head. */
const TRAILER_BYTES = 16 * 1024;

/** A number with so many digits is exact. */
const SIZE_DIGITS = 13;

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers';

/** Reads octets of framing one by one, and data in runs. */
export class ChunkedReader implements ContentReader {
  readonly isWholeAtEnd = false;
  trailers: readonly Field[] = [];
  readonly #dialect: Dialect;
  #state: State = 'size';
  #lineBytes = 0;
  #digits = 0;
  #sizeBytes = 0;
  #trailers: ByteQueue | undefined;
  #content: Content = new Content();

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  read(bytes: Uint8Array): ContentPiece {
    this.#content = new Content();
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'trailers') return this.#readTrailers(bytes, at);
      if (this.#state === 'data') {
        at += this.#takeData(bytes, at);
      } else {
        const why = this.#step(bytes[at] ?? 0);
        if (why !== undefined) return malformed(why);
        at += 1;
      }
    }
    return { kind: 'piece', content: this.#content.bytes, usedBytes: bytes.length, isWhole: false };
  }

  /** Takes one octet of framing. Returns what is wrong with it. */
  #step(byte: number): string | undefined {
    switch (this.#state) {
      case 'size':
        return this.#takeSize(byte);
      case 'extension':
        return this.#takeExtension(byte);
      case 'size-lf':
        if (byte !== LF) return 'a line of its chunks has a bare CR';
        this.#state = this.#sizeBytes === 0 ? 'trailers' : 'data';
        return undefined;
      case 'data-cr':
        if (byte !== CR) return 'a chunk is longer than its size';
        this.#state = 'data-lf';
        return undefined;
      case 'data-lf':
        if (byte !== LF) return 'a chunk is longer than its size';
        this.#beginSize();
        return undefined;
      case 'data':
      case 'trailers':
        return undefined;
    }
  }

  #takeSize(byte: number): string | undefined {
    const digit = hexDigit(byte);
    if (digit < 0) return this.#endSize(byte);
    this.#sizeBytes = this.#sizeBytes * 16 + digit;
    this.#lineBytes += 1;
    this.#digits += this.#sizeBytes === 0 ? 0 : 1;
    if (this.#digits > SIZE_DIGITS) return 'a chunk size is too large';
    return this.#tooLong();
  }

  #endSize(byte: number): string | undefined {
    if (this.#lineBytes === 0) return 'a chunk size is not a hexadecimal number';
    if (byte === CR) this.#state = 'size-lf';
    else if (byte === SEMICOLON || (isBlank(byte) && this.#dialect === 'lenient')) this.#state = 'extension';
    else return 'a chunk size is not a hexadecimal number';
    return undefined;
  }

  /** No extension is known, and none is passed on (RFC 9112 §7.1.1). */
  #takeExtension(byte: number): string | undefined {
    this.#lineBytes += 1;
    if (byte === CR) this.#state = 'size-lf';
    else if (isControl(byte) && byte !== TAB) return 'a line of its chunks has a control character';
    return this.#tooLong();
  }

  #tooLong(): string | undefined {
    return this.#lineBytes > SIZE_LINE_BYTES
      ? `a line of its chunks is longer than ${SIZE_LINE_BYTES} bytes`
      : undefined;
  }

  #takeData(bytes: Uint8Array, at: number): number {
    const length = Math.min(this.#sizeBytes, bytes.length - at);
    this.#content.add(bytes, at, length);
    this.#sizeBytes -= length;
    if (this.#sizeBytes === 0) this.#state = 'data-cr';
    return length;
  }

  #beginSize(): void {
    this.#state = 'size';
    this.#lineBytes = 0;
    this.#digits = 0;
    this.#sizeBytes = 0;
  }

  /** As the field lines of a head: they end with an empty line. Without trailers there is only that line. */
  #readTrailers(bytes: Uint8Array, at: number): ContentPiece {
    this.#trailers ??= new ByteQueue(LINE_END);
    const knownBytes = this.#trailers.bytes.length;
    const all = this.#trailers.append(bytes.subarray(at, at + TRAILER_BYTES));
    const limitBytes = LINE_END.length + TRAILER_BYTES;
    const end = findHeadEnd(all, Math.min(all.length, limitBytes), knownBytes - 1, this.#dialect);
    if (end.kind === 'malformed') return badTrailers(end);
    if (end.kind === 'need-more') {
      if (all.length >= limitBytes) return malformed(`its trailers are larger than ${TRAILER_BYTES} bytes`);
      return { kind: 'piece', content: this.#content.bytes, usedBytes: bytes.length, isWhole: false };
    }
    const fields = this.#parse(all, end.headBytes);
    if ('kind' in fields) return fields;
    this.trailers = fields;
    const usedBytes = at + end.headBytes - knownBytes;
    return { kind: 'piece', content: this.#content.bytes, usedBytes, isWhole: true };
  }

  #parse(all: Uint8Array, headBytes: number): readonly Field[] | Malformed {
    const fields = parseFieldLines(splitHead(all, headBytes, this.#dialect), 0, this.#dialect);
    return 'kind' in fields ? badTrailers(fields) : fields;
  }
}

/** So few bytes are copied faster one by one than through a view of them. */
const FEW_BYTES = 32;

/** The data of the chunks of one buffer, in one piece: a single chunk as it stands, several copied together. */
class Content {
  #source: Uint8Array = NOTHING;
  #start = 0;
  #room: Uint8Array | undefined;
  #length = 0;

  get bytes(): Uint8Array {
    if (this.#room) return this.#room.subarray(0, this.#length);
    return this.#source.subarray(this.#start, this.#start + this.#length);
  }

  /** All calls are for the same buffer: at most the bytes behind `at` can still be added. */
  add(source: Uint8Array, at: number, length: number): void {
    if (this.#length === 0) {
      this.#source = source;
      this.#start = at;
      this.#length = length;
      return;
    }
    this.#room ??= this.#makeRoom(this.#length + source.length - at);
    if (length > FEW_BYTES) this.#room.set(source.subarray(at, at + length), this.#length);
    else for (let byte = 0; byte < length; byte++) this.#room[this.#length + byte] = source[at + byte] ?? 0;
    this.#length += length;
  }

  #makeRoom(bytes: number): Uint8Array {
    const room = new Uint8Array(bytes);
    room.set(this.bytes);
    return room;
  }
}

const NOTHING = new Uint8Array(0);
const LINE_END = Buffer.from('\r\n');
const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const SEMICOLON = 0x3b;

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

/** -1 where it is none. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Trailers are read with the parser of heads, so its message is reworded. */
function badTrailers({ why }: Malformed): Malformed {
  return malformed(`its trailers are malformed: ${why}`);
}
