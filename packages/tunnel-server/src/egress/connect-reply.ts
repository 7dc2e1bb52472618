/** The answer of an HTTP proxy to CONNECT, out of bytes that may come in any pieces (RFC 9112 §4). */
import type { NeedMore } from '../preread.ts';
import { startsAlike } from '../starts-alike.ts';

/** What the head of the final answer says. */
export type ConnectReply =
  /** `headBytes`: what follows them is the destination's, whatever length the head names (RFC 9110 §9.3.6). */
  | { readonly kind: 'opened'; readonly headBytes: number }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'malformed'; readonly why: string };

const LF = 0x0a;
const CR = 0x0d;
const PROTOCOL = Buffer.from('HTTP/1.');

/** Is given all bytes so far, each time more of them, and scans only the new ones and the last two before them. */
export class ConnectReplyScan {
  /** Where the head begins that is being read, behind those of 1xx. */
  #start = 0;
  #at = 0;

  look(bytes: Uint8Array): ConnectReply | NeedMore {
    for (;;) {
      const start = startOfLine(bytes, this.#start);
      if (start !== undefined && !startsAlike(bytes, PROTOCOL, start))
        return malformed('it does not begin with HTTP/1');
      const end = start === undefined ? undefined : this.#findEnd(bytes, start);
      if (start === undefined || end === undefined) return { kind: 'need-more', atLeastBytes: bytes.length + 1 };
      const reply = readHead(bytes, start, end);
      if (reply !== 'interim') return reply;
      this.#start = this.#at = end;
    }
  }

  /** The index behind the empty line. Lines may end in LF alone, which RFC 9112 §2.2 lets a recipient accept. */
  #findEnd(bytes: Uint8Array, start: number): number | undefined {
    for (let at = Math.max(start, this.#at); at < bytes.length; at++) {
      if (bytes[at] !== LF) continue;
      const next = bytes[at + 1] === CR ? at + 2 : at + 1;
      if (bytes[next] === LF) return next + 1;
    }
    this.#at = Math.max(start, bytes.length - 2);
    return undefined;
  }
}

/** Behind the one empty line that may come before a head, as before other answers. Undefined while it may be one. */
function startOfLine(bytes: Uint8Array, start: number): number | undefined {
  if (bytes[start] === LF) return start + 1;
  if (bytes[start] !== CR) return start;
  if (bytes.length === start + 1) return undefined;
  return bytes[start + 1] === LF ? start + 2 : start;
}

/** No field matters here, but no field of HTTP may contain a NUL (RFC 9110 §5.5). */
function readHead(bytes: Uint8Array, start: number, end: number): ConnectReply | 'interim' {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
  if (head.includes('\0')) return malformed('its head has a NUL');
  const line = head.slice(0, head.indexOf('\n'));
  const status = Number(STATUS_LINE.exec(line)?.[1]);
  if (Number.isNaN(status)) return malformed('its status line is not a version and a status');
  // The proxy would change to another protocol, which it was not asked to do.
  if (status === 101) return malformed('it switches protocols');
  if (status < 200) return 'interim';
  return status < 300 ? { kind: 'opened', headBytes: end } : { kind: 'refused', status };
}

/** As other answers are read: a later minor version as 1.1 (RFC 9110 §2.5), and words as whitespace separates them (RFC 9112 §4). */
const STATUS_LINE = /^HTTP\/1\.[0-9][ \t]+([1-9][0-9]{2})(?:[ \t].*)?\r?$/;

function malformed(why: string): ConnectReply {
  return { kind: 'malformed', why };
}
