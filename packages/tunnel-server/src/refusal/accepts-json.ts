/** Does a client want its refusal in JSON? Only where it says so: most that accept anything show the text to a person. */

/**
 * Reads an Accept field (RFC 9110 §12.5.1): true where it names a JSON type that it likes at least as much as plain text.
 * What is malformed in it counts for nothing.
 */
export function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const ranges = accept.split(',').slice(0, MAX_RANGES).map(readRange);
  const json = Math.max(...JSON_TYPES.map((type) => weightOf(ranges, [type, 'application/*'])));
  return json > 0 && json >= weightOf(ranges, ['text/plain', 'text/*', '*/*']);
}

const JSON_TYPES = ['application/problem+json', 'application/json'];

/** Browsers send eight. The head may be 64 KiB of commas. */
const MAX_RANGES = 64;

interface MediaRange {
  readonly type: string;
  readonly weight: number;
}

/** `type/subtype;charset=utf-8;q=0.5`: `q` is a weight whatever stands before it. */
function readRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const q = parameters.find((parameter) => parameter.startsWith('q='));
  return { type, weight: q === undefined ? 1 : readWeight(q.slice('q='.length)) };
}

function readWeight(text: string): number {
  return /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 0;
}

/** The weight of the most specific range that is there. */
function weightOf(ranges: readonly MediaRange[], types: readonly string[]): number {
  for (const type of types) {
    const named = ranges.filter((range) => range.type === type);
    if (named.length > 0) return Math.max(...named.map(({ weight }) => weight));
  }
  return 0;
}

/**
 * The Accept field of a request of which no more than its first line was judged, if it is among the bytes that were read. At a door
 * that does not speak HTTP nobody waits for the rest.
 */
export function findAccept(bytes: Uint8Array): string | undefined {
  const [head = ''] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').split('\r\n\r\n', 1);
  const lines = head.split('\r\n').filter((line) => /^accept:/i.test(line));
  return lines.length === 0 ? undefined : lines.map((line) => line.slice('accept:'.length)).join(',');
}
