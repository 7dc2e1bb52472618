/** Encodes a sentence for a head: printable ASCII only, and no longer than programs show. */
import { STATUS_LINE_BYTES, toPrintable } from '@sallyport/policy';

/** Longer than any sentence of ours; operators write some themselves. */
const DETAILS_BYTES = 1_000;

/** `HTTP/1.1 403 Forbidden (No rule allows example.com:443)` (RFC 9112 §4: a reason phrase holds text). */
export function writeStatusLine(status: number, name: string, sentence: string): string {
  const line = `HTTP/1.1 ${status} ${name}`;
  const room = STATUS_LINE_BYTES - line.length - ' ()'.length;
  return `${line} (${shorten(toPrintable(sentence), room)})`;
}

/** An sf-string (RFC 8941 §3.3.3), for `details` (RFC 9209 §2.1.5). */
export function quoteDetails(sentence: string): string {
  return quoteString(shorten(toPrintable(sentence), DETAILS_BYTES));
}

/** An sf-string (RFC 8941 §3.3.3), and a quoted-string (RFC 9110 §5.6.4) as well. The text is printable ASCII. */
export function quoteString(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Shortens the text in its middle: its end has the port, and the operator's message. */
function shorten(text: string, room: number): string {
  if (text.length <= room) return text;
  const kept = room - ELLIPSIS.length;
  const tail = Math.floor(kept / 2);
  return `${text.slice(0, kept - tail)}${ELLIPSIS}${text.slice(text.length - tail)}`;
}

const ELLIPSIS = '...';
