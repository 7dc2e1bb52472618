/** Where a message's content ends (RFC 9112 §6). Two readers of a connection that differ on it allow request smuggling. */
import { type Field, type Malformed, malformed, trimWhitespace } from './head-lines.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';

/** How the length of a content is known (RFC 9112 §6.3). */
export type ContentForm =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly lengthBytes: number }
  | { readonly kind: 'chunked' }
  /** A response that ends with its connection. */
  | { readonly kind: 'until-end' };

/** The framing of a request's content. A head that can be read in two ways is malformed. */
export function requestContentForm({ version, fields }: RequestHead): ContentForm | Malformed {
  const { codings, lengths } = framingOf(fields);
  if (codings.length > 1) return malformed('the head has two Transfer-Encoding fields');
  if (lengths.length > 1) return malformed('the head has two Content-Length fields');
  if (codings.length > 0) {
    // RFC 9112 §6.1: the framing of such a message is faulty.
    if (version === '1.0') return malformed('HTTP/1.0 has no Transfer-Encoding');
    if (lengths.length > 0) return malformed('the head has a Content-Length beside a Transfer-Encoding');
    return chunkedForm(codings);
  }
  if (lengths.length === 0) return { kind: 'none' };
  // A reader that takes leading zeros for octal finds another length.
  if (/^0[0-9]/.test(lengths[0] ?? '')) return malformed('the Content-Length has zeros in front');
  return lengthForm(lengths);
}

/**
 * The framing of a response's content. An ambiguous head is malformed. Equal lengths count as one (RFC 9110 §8.6). Chunks override a
 * length, and count in HTTP/1.0 too (RFC 9112 §6.1, §6.3): nothing else is read from that connection, and the length is not passed on.
 * @param method of the request
 */
export function responseContentForm({ status, fields }: ResponseHead, method: string): ContentForm | Malformed {
  const form = namedForm(responseFraming(fields));
  const hasContent = method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304;
  return hasContent || form.kind === 'malformed' ? form : { kind: 'none' };
}

function namedForm({ codings, lengths }: Framing): ContentForm | Malformed {
  if (codings.length > 0) return chunkedForm(codings);
  return lengths.length === 0
    ? UNTIL_END
    : lengthForm(lengths.flatMap((value) => value.split(',').map(trimWhitespace)));
}

/** The length that a response's head names, unless chunks override it, and whether or not content follows: for HEAD it is that of a GET. */
export function namedLength({ fields }: ResponseHead): number | undefined {
  const { codings, lengths } = responseFraming(fields);
  const [value] = codings.length > 0 ? [] : lengths;
  return value === undefined ? undefined : Number(value.split(',', 1)[0]);
}

/** RFC 2616 §3.6 had a coding that changes nothing, and some servers still name it. */
function responseFraming(fields: readonly Field[]): Framing {
  const { codings, lengths } = framingOf(fields);
  return { codings: codings.filter((coding) => coding.toLowerCase() !== 'identity'), lengths };
}

const UNTIL_END: ContentForm = { kind: 'until-end' };

interface Framing {
  readonly codings: readonly string[];
  readonly lengths: readonly string[];
}

function framingOf(fields: readonly Field[]): Framing {
  const codings: string[] = [];
  const lengths: string[] = [];
  for (const { name, value } of fields) {
    if (name === 'transfer-encoding') codings.push(value);
    else if (name === 'content-length') lengths.push(value);
  }
  return { codings, lengths };
}

/** Content beneath a coding other than chunked cannot be framed anew. */
function chunkedForm(codings: readonly string[]): ContentForm | Malformed {
  const isChunked = codings.join(',').toLowerCase() === 'chunked';
  return isChunked ? { kind: 'chunked' } : malformed('the Transfer-Encoding is not chunked and nothing else');
}

function lengthForm(lengths: readonly string[]): ContentForm | Malformed {
  const [digits = ''] = lengths;
  if (!DECIMAL.test(digits)) return malformed('the Content-Length is not a decimal number');
  const lengthBytes = Number(digits);
  if (!Number.isSafeInteger(lengthBytes)) return malformed('the Content-Length is too large');
  if (lengths.some((other) => other !== digits)) return malformed('the head has two different Content-Length fields');
  return { kind: 'length', lengthBytes };
}

const DECIMAL = /^[0-9]+$/;
