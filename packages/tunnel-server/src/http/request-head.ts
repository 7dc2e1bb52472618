/** Parses the head of an HTTP/1 request from bytes that may arrive in any pieces (RFC 9112 §2.1). All doors use this one parser. */
import { type Field, findHeadEnd, type Malformed, malformed, parseFieldLines, splitHead, TOKEN } from './head-lines.ts';

/** A well-formed request head. What it asks for is not judged yet. */
export interface RequestHead {
  readonly method: string;
  /** May have octets above 0x7f. */
  readonly requestTarget: string;
  readonly version: '1.0' | '1.1';
  readonly fields: readonly Field[];
}

/** What the bytes so far are. */
export type RequestHeadResult =
  /** Pass `resumeAt` to the next call, which then scans only the new bytes and the last one before them. */
  | { readonly kind: 'need-more'; readonly resumeAt: number }
  | Malformed
  | { readonly kind: 'too-large' }
  /** `headBytes` is the length of the head, its empty line included. */
  | { readonly kind: 'head'; readonly head: RequestHead; readonly headBytes: number };

/**
 * Reads a request head from the start of `bytes`; never throws. No byte past `limitBytes` is read: a head of exactly that length passes.
 * Stricter than RFC 9112 wherever that lets a recipient be lenient, also for single spaces in the request line.
 *
 * @param resumeAt where the scan continues, from the last `need-more` over a shorter run of the same bytes
 */
export function parseRequestHead(bytes: Uint8Array, limitBytes: number, resumeAt = 0): RequestHeadResult {
  const end = findHeadEnd(bytes, Math.min(bytes.length, limitBytes), resumeAt, 'strict');
  if (end.kind === 'malformed') return end;
  if (end.kind === 'need-more') return bytes.length < limitBytes ? end : { kind: 'too-large' };

  const lines = splitHead(bytes, end.headBytes, 'strict');
  const request = parseRequestLine(lines[0] ?? '');
  if ('why' in request) return request;
  const fields = parseFieldLines(lines, 1, 'strict');
  if ('why' in fields) return fields;
  const { method, requestTarget, version } = request;
  return { kind: 'head', head: { method, requestTarget, version, fields }, headBytes: end.headBytes };
}

/**
 * Says what is wrong with the fields that every request is checked for: Host at most once and well formed, credentials at most once, for
 * readers disagree on which of two counts. Called once the target was found good: where both are bad, the client must correct the target
 * first.
 */
export function findDoubtfulField({ fields }: RequestHead): string | undefined {
  let hosts = 0;
  let credentials = 0;
  for (const { name, value } of fields) {
    if (name === 'host') {
      hosts += 1;
      if (!HOST_VALUE.test(value)) return 'the Host field is not a host';
    } else if (name === 'proxy-authorization') credentials += 1;
  }
  if (hosts > 1) return 'the head has two Host fields';
  return credentials > 1 ? 'the head has two Proxy-Authorization fields' : undefined;
}

/** The value of the first field of that name (in lower case). */
export function fieldValue({ fields }: Pick<RequestHead, 'fields'>, name: string): string | undefined {
  return fields.find((field) => field.name === name)?.value;
}

/** The values of all fields of that name (in lower case), as if they were one (RFC 9110 §5.3). */
export function joinedValues({ fields }: Pick<RequestHead, 'fields'>, name: string): string | undefined {
  let joined: string | undefined;
  for (const field of fields) {
    if (field.name === name) joined = joined === undefined ? field.value : `${joined}, ${field.value}`;
  }
  return joined;
}

/** `method SP request-target SP HTTP-version`, of versions 1.0 and 1.1 (RFC 9112 §3). */
function parseRequestLine(line: string): Omit<RequestHead, 'fields'> | Malformed {
  const first = line.indexOf(' ');
  const second = line.indexOf(' ', first + 1);
  if (first === -1 || second === -1 || line.includes(' ', second + 1)) {
    return malformed('the request line is not a method, a target and a version with one space between');
  }
  const method = line.slice(0, first);
  const requestTarget = line.slice(first + 1, second);
  if (!TOKEN.test(method)) return malformed('the method is not a token');
  if (!TARGET.test(requestTarget)) return malformed('the target is empty or has characters that no URI has');
  const version = VERSIONS.get(line.slice(second + 1));
  return version ? { method, requestTarget, version } : malformed('the version is neither HTTP/1.1 nor HTTP/1.0');
}

/** Octets above 0x7f are not allowed in a URI (RFC 3986 §2), but many clients send UTF-8 unescaped. */
const TARGET = /^[\x21-\x7e\x80-\xff]+$/;

const VERSIONS: ReadonlyMap<string, RequestHead['version']> = new Map([
  ['HTTP/1.1', '1.1'],
  ['HTTP/1.0', '1.0'],
]);

/** `uri-host [ ":" port ]`, empty included (RFC 9110 §7.2, RFC 3986 §3.2.2). */
const HOST_VALUE = /^(?:\[[\w.:~%-]*\]|[\w.~%!$&'()*+,;=-]*)(?::[0-9]*)?$/;
