/** Does a client want its refusal in JSON? Only if it asks for JSON: most clients that accept anything show the text to a person. */
import { readMediaRanges, weightOf } from '@sallyport/telemetry';

/**
 * Reads an Accept field (RFC 9110 §12.5.1). True where it names a JSON type with at least the weight of plain text. Malformed parts are
 * ignored.
 */
export function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const ranges = readMediaRanges(accept);
  const json = Math.max(...JSON_TYPES.map((type) => weightOf(ranges, [type, 'application/*'])));
  return json > 0 && json >= weightOf(ranges, ['text/plain', 'text/*', '*/*']);
}

const JSON_TYPES = ['application/problem+json', 'application/json'];
