/** What request heads, response heads and trailers have in common: lines, and the fields on them (RFC 9112 §2.2, §5). */

/** A field line. Text is latin1 throughout: a character is an octet, and is sent as that octet (RFC 9110 §5.5). */
export interface Field {
  /** In lower case. */
  readonly name: string;
  /** The name as it was received. */
  readonly spelling: string;
  /** Without the whitespace around it. */
  readonly value: string;
}

/** A head or content that cannot be read. `why` is a clause for the client and the log, with nothing in it that the peer sent. */
export interface Malformed {
  readonly kind: 'malformed';
  readonly why: string;
}

/**
 * `strict`, for what clients send: no bare LF, no obs-fold, no whitespace before a colon. What two readers understand differently can be
 * used to get past one of them. `lenient`, for what destinations send: these are read as RFC 9112 lets a proxy read them (§2.2, §5.1,
 * §5.2), and never passed on as they were. Only the values of their fields are: of control characters, which some have, NUL and CR are
 * refused (RFC 9110 §5.5).
 */
export type Dialect = 'strict' | 'lenient';

/** The result of looking for the end of a head. */
export type HeadEnd =
  /** Pass `resumeAt` to the next call, which then scans only the new bytes and the last one before them. */
  | { readonly kind: 'need-more'; readonly resumeAt: number }
  | Malformed
  | { readonly kind: 'end'; readonly headBytes: number };

/**
 * Finds the empty line that ends a head. A control character before it is an error at once: so a client that ends its lines with a bare
 * LF is told now, and does not wait for its own time-out.
 */
export function findHeadEnd(bytes: Uint8Array, length: number, resumeAt: number, dialect: Dialect): HeadEnd {
  for (let at = resumeAt; at < length; at++) {
    const byte = bytes[at];
    if (byte === CR) {
      if (at + 1 === length) return { kind: 'need-more', resumeAt: at };
      if (bytes[at + 1] !== LF) return malformed('the head has a bare CR');
    } else if (byte === LF) {
      const isBare = at === 0 || bytes[at - 1] !== CR;
      if (isBare && dialect === 'strict') return malformed('the head has a bare LF');
      const lineEnd = isBare ? at : at - 1;
      // One empty line before the first line is accepted, as RFC 9112 §2.2 asks: `lineEnd` is 0 there.
      if (lineEnd > 0 && bytes[lineEnd - 1] === LF) return { kind: 'end', headBytes: at + 1 };
    } else if (dialect === 'strict' ? isControl(byte) && byte !== TAB : byte === NUL) {
      return malformed('the head has a control character');
    }
  }
  return { kind: 'need-more', resumeAt: length };
}

/** The lines of a whole head, without the empty ones before and behind it. */
export function splitHead(bytes: Uint8Array, headBytes: number, dialect: Dialect): readonly string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, headBytes).toString('latin1');
  const lines = dialect === 'strict' ? text.split('\r\n') : text.split('\n').map(withoutCr);
  return lines.slice(lines[0] === '' ? 1 : 0, -2);
}

/** Far more than any real message has. Parsing a field costs more than its bytes. */
const FIELDS = 1000;

/** The most elements of lists such as connection options, codings and proxies: a longer list is an attack on its parser. */
const LIST_ELEMENTS = 100;

/** Lists that are parsed here. All others are passed on unparsed. */
const LISTS: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
]);

/** Reads the field lines from index `from` on (RFC 9112 §5). */
export function parseFieldLines(
  lines: readonly string[],
  from: number,
  dialect: Dialect,
): readonly Field[] | Malformed {
  if (lines.length - from > FIELDS) return malformed(`the head has more than ${FIELDS} fields`);
  const fields: Field[] = [];
  for (let at = from; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line.startsWith(' ') || line.startsWith('\t')) {
      const folded = fields.pop();
      if (dialect === 'strict' || folded === undefined) return malformed('the head has a folded line (obs-fold)');
      fields.push({ ...folded, value: unfolded(folded.value, trimWhitespace(line)) });
    } else {
      const field = parseFieldLine(line, dialect);
      if ('kind' in field) return field;
      fields.push(field);
    }
  }
  return findLongList(fields) ?? fields;
}

/** A fold is whitespace (RFC 9112 §5.2), which is no part of a value at its ends (RFC 9110 §5.5). */
function unfolded(value: string, more: string): string {
  return value === '' || more === '' ? value + more : `${value} ${more}`;
}

function findLongList(fields: readonly Field[]): Malformed | undefined {
  let commas = 0;
  for (const { name, value } of fields) {
    if (!LISTS.has(name)) continue;
    for (let at = value.indexOf(','); at >= 0; at = value.indexOf(',', at + 1)) commas += 1;
  }
  if (commas < LIST_ELEMENTS) return undefined;
  return malformed(`the head has ${LIST_ELEMENTS} connection options, codings and proxies or more`);
}

/** `field-name ":" OWS field-value OWS`. */
function parseFieldLine(line: string, dialect: Dialect): Field | Malformed {
  const colon = line.indexOf(':');
  if (colon === -1) return malformed('the head has a field line without a colon');
  const upToColon = line.slice(0, colon);
  const spelling = dialect === 'strict' ? upToColon : trimWhitespace(upToColon);
  if (!TOKEN.test(spelling)) return malformed('the head has a field name that is not a token');
  return { name: spelling.toLowerCase(), spelling, value: trimWhitespace(line.slice(colon + 1)) };
}

/** RFC 9110 §5.6.2. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const NUL = 0x00;
const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const DEL = 0x7f;

/** Not by a regular expression: `/[ \t]+$/` takes quadratic time over a long run of spaces, which the peer chooses. */
export function trimWhitespace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isWhitespace(text[start])) start++;
  while (end > start && isWhitespace(text[end - 1])) end--;
  return text.slice(start, end);
}

function withoutCr(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** RFC 5234 §B.1: a tab is one too. */
export function isControl(byte: number | undefined): boolean {
  return byte !== undefined && (byte < 0x20 || byte === DEL);
}

function isWhitespace(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

/** @param why a clause, with nothing in it that the peer sent */
export function malformed(why: string): Malformed {
  return { kind: 'malformed', why };
}
