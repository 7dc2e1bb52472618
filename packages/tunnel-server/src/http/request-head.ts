/** The head of an HTTP/1 request, out of bytes that may come in any pieces (RFC 9112 §2.1). */

/** A field line; the name in lower case, the value without the whitespace around it. */
export interface Field {
  readonly name: string;
  readonly value: string;
}

/** A request head that is well formed; what it asks for is not judged yet. */
export interface RequestHead {
  readonly method: string;
  readonly requestTarget: string;
  readonly version: '1.0' | '1.1';
  readonly fields: readonly Field[];
}

export type RequestHeadResult =
  /** Pass `resumeAt` to the next call, which then looks at no byte twice but for the last. */
  | { readonly kind: 'need-more'; readonly resumeAt: number }
  | { readonly kind: 'malformed'; readonly why: string }
  | { readonly kind: 'too-large' }
  /** `headBytes` is the length of the head, its empty line included. */
  | { readonly kind: 'head'; readonly head: RequestHead; readonly headBytes: number };

/**
 * Reads a request head from the start of `bytes`; never throws. No byte past `limitBytes` is looked at: a head of exactly so
 * many passes.
 *
 * Stricter than RFC 9112 wherever it lets a recipient be lenient, for what two readers understand differently can be used to
 * pass one of them: no bare CR or LF, no obs-fold, single spaces in the request line, no whitespace before a colon.
 *
 * @param resumeAt where the scan for the end goes on, from the last `need-more` over a shorter run of the same bytes
 */
export function parseRequestHead(bytes: Uint8Array, limitBytes: number, resumeAt = 0): RequestHeadResult {
  const end = findHeadEnd(bytes, Math.min(bytes.length, limitBytes), resumeAt);
  if (end.kind === 'malformed') return end;
  if (end.kind === 'need-more') return bytes.length < limitBytes ? end : { kind: 'too-large' };

  const text = Buffer.from(bytes.buffer, bytes.byteOffset, end.headBytes - EMPTY_LINE_BYTES).toString('latin1');
  const head = parseLines(text.split('\r\n'));
  return 'why' in head ? malformed(head.why) : { kind: 'head', head, headBytes: end.headBytes };
}

type HeadEnd =
  | { readonly kind: 'need-more'; readonly resumeAt: number }
  | { readonly kind: 'malformed'; readonly why: string }
  | { readonly kind: 'end'; readonly headBytes: number };

type Malformed = Extract<RequestHeadResult, { kind: 'malformed' }>;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const DEL = 0x7f;
const EMPTY_LINE_BYTES = '\r\n\r\n'.length;

/**
 * Finds the empty line that ends a head, and on the way every control character that ends it at once: a client that ends
 * its lines with a bare LF is told so now, instead of waiting for an end that never comes.
 */
function findHeadEnd(bytes: Uint8Array, length: number, resumeAt: number): HeadEnd {
  for (let at = resumeAt; at < length; at++) {
    const byte = bytes[at];
    if (byte === CR) {
      if (at + 1 === length) return { kind: 'need-more', resumeAt: at };
      if (bytes[at + 1] !== LF) return malformed('the head has a bare CR');
      // One empty line in front of the request line is let pass, as RFC 9112 §2.2 asks: `at` is 0 there.
      if (at > 0 && bytes[at - 1] === LF) return { kind: 'end', headBytes: at + 2 };
      at++;
    } else if (byte === LF) {
      return malformed('the head has a bare LF');
    } else if (isControl(byte) && byte !== TAB) {
      return malformed('the head has a control character');
    }
  }
  return { kind: 'need-more', resumeAt: length };
}

/** A head that starts with two empty lines has no request line, and fails on that. */
function parseLines(lines: readonly string[]): RequestHead | Malformed {
  const [requestLine = '', ...fieldLines] = lines[0] === '' ? lines.slice(1) : lines;
  const request = parseRequestLine(requestLine);
  if ('why' in request) return request;

  const fields: Field[] = [];
  for (const line of fieldLines) {
    const field = parseFieldLine(line);
    if ('why' in field) return field;
    fields.push(field);
  }
  const head = { ...request, fields };
  return checkSingleFields(head) ?? head;
}

/** `method SP request-target SP HTTP-version`, of versions 1.0 and 1.1 (RFC 9112 §3). */
function parseRequestLine(line: string): Omit<RequestHead, 'fields'> | Malformed {
  const [method = '', requestTarget = '', protocol, ...rest] = line.split(' ');
  if (protocol === undefined || rest.length > 0) {
    return malformed('the request line is not a method, a target and a version with one space between');
  }
  if (!TOKEN.test(method)) return malformed('the method is not a token');
  if (!VISIBLE_ASCII.test(requestTarget)) return malformed('the target is empty or has characters that no URI has');
  const version = VERSIONS.get(protocol);
  return version ? { method, requestTarget, version } : malformed('the version is neither HTTP/1.1 nor HTTP/1.0');
}

/** `field-name ":" OWS field-value OWS` (RFC 9112 §5). A tab passes as that whitespace, and nowhere else. */
function parseFieldLine(line: string): Field | Malformed {
  if (line.startsWith(' ') || line.startsWith('\t')) return malformed('the head has a folded line (obs-fold)');
  const colon = line.indexOf(':');
  if (colon === -1) return malformed('the head has a field line without a colon');
  const name = line.slice(0, colon);
  if (!TOKEN.test(name)) return malformed('the head has a field name that is not a token');
  const value = trimWhitespace(line.slice(colon + 1));
  if (value.includes('\t')) return malformed('the head has a control character');
  return { name: name.toLowerCase(), value };
}

/** By hand: `/[ \t]+$/` takes quadratic time over a long run of spaces, which the client chooses. */
function trimWhitespace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isWhitespace(text[start])) start++;
  while (end > start && isWhitespace(text[end - 1])) end--;
  return text.slice(start, end);
}

/**
 * Host at most once and well formed. HTTP/1.1 must have one (RFC 9112 §3.2), but many clients written by hand have none, and it
 * decides nothing: the target of a request to a proxy names the host. Credentials at most once: of two, readers disagree on
 * which counts.
 */
function checkSingleFields({ fields }: RequestHead): Malformed | undefined {
  const hosts = fields.filter(({ name }) => name === 'host');
  if (hosts.length > 1) return malformed('the head has two Host fields');
  if (!hosts.every(({ value }) => HOST_VALUE.test(value))) return malformed('the Host field is not a host');
  if (fields.filter(({ name }) => name === 'proxy-authorization').length > 1) {
    return malformed('the head has two Proxy-Authorization fields');
  }
  return undefined;
}

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

const VERSIONS: ReadonlyMap<string, RequestHead['version']> = new Map([
  ['HTTP/1.1', '1.1'],
  ['HTTP/1.0', '1.0'],
]);

/** `uri-host [ ":" port ]`, empty included (RFC 9110 §7.2, RFC 3986 §3.2.2). */
const HOST_VALUE = /^(?:\[[\w.:~%-]*\]|[\w.~%!$&'()*+,;=-]*)(?::[0-9]*)?$/;

function isControl(byte: number | undefined): boolean {
  return byte !== undefined && (byte < 0x20 || byte === DEL);
}

function isWhitespace(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

function malformed(why: string): Malformed {
  return { kind: 'malformed', why };
}
