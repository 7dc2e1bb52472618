/** Parses the head of an HTTP/1 response as leniently as RFC 9112 allows a proxy. An ambiguous head is refused. */
import { type Field, findHeadEnd, type Malformed, malformed, parseFieldLines, splitHead } from './head-lines.ts';

/** A response head that can be read in one way only. */
export interface ResponseHead {
  readonly version: '1.0' | '1.1';
  /** From 100 to 999. */
  readonly status: number;
  /** Latin1, without control characters. */
  readonly reasonPhrase: string;
  readonly fields: readonly Field[];
}

/** What the bytes so far are. */
export type ResponseHeadResult =
  /** Pass `resumeAt` to the next call over more of the same bytes. */
  | { readonly kind: 'need-more'; readonly resumeAt: number }
  | Malformed
  | { readonly kind: 'too-large' }
  | { readonly kind: 'head'; readonly head: ResponseHead; readonly headBytes: number };

/** Reads a response head from the start of `bytes`; never throws. No byte past `limitBytes` is looked at. */
export function parseResponseHead(bytes: Uint8Array, limitBytes: number, resumeAt = 0): ResponseHeadResult {
  if (!mayBeStatusLine(bytes)) return malformed('it does not begin with HTTP/1.1 or HTTP/1.0');
  const end = findHeadEnd(bytes, Math.min(bytes.length, limitBytes), resumeAt, 'lenient');
  if (end.kind === 'malformed') return end;
  if (end.kind === 'need-more') return bytes.length < limitBytes ? end : { kind: 'too-large' };

  const lines = splitHead(bytes, end.headBytes, 'lenient');
  const status = parseStatusLine(lines[0] ?? '');
  if ('why' in status) return status;
  const fields = parseFieldLines(lines, 1, 'lenient');
  if ('why' in fields) return fields;
  return { kind: 'head', head: { ...status, fields }, headBytes: end.headBytes };
}

/** Judged by the first bytes: a peer with another protocol may never send the end of a head. One empty line may come first. */
function mayBeStatusLine(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, PROTOCOL.length + 2)).toString(
    'latin1',
  );
  const text = start.startsWith('\r\n') ? start.slice(2) : start.startsWith('\n') ? start.slice(1) : start;
  const seen = text.slice(0, PROTOCOL.length);
  return PROTOCOL.startsWith(seen) || text === '\r';
}

const PROTOCOL = 'HTTP/1.';

/** `HTTP-version SP status-code SP [ reason-phrase ]` (RFC 9112 §4). Some leave out the last space. */
function parseStatusLine(line: string): Omit<ResponseHead, 'fields'> | Malformed {
  const [, minor, code, reasonPhrase = ''] = STATUS_LINE.exec(line) ?? [];
  if (minor === undefined || code === undefined)
    return malformed('its status line is not a version, a status and a reason');
  return { version: minor === '0' ? '1.0' : '1.1', status: Number(code), reasonPhrase };
}

/** A later minor version is read as 1.1 (RFC 9110 §2.5). */
const STATUS_LINE = /^HTTP\/1\.([0-9])[ \t]+([1-9][0-9]{2})(?:[ \t]([\t\x20-\x7e\x80-\xff]*))?$/;
