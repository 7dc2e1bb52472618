/** Is a request well formed beyond what `node:http` demands? Whatever two readers could understand differently is not. */
import type { IncomingMessage } from 'node:http';

export type RequestForm = Pick<IncomingMessage, 'httpVersion' | 'rawHeaders'>;

/**
 * Says what is wrong with a request's head, or undefined. The parser has refused by then: two lengths, a length and a
 * Transfer-Encoding, a length that is no plain number, obs-fold, bare CR and LF, NUL and other control characters, a space before
 * a colon, chunks out of form.
 */
export function findMalformation({ httpVersion, rawHeaders }: RequestForm): string | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'the version is neither HTTP/1.1 nor HTTP/1.0';
  if (rawHeaders.some((text) => text.includes('\t'))) return 'the head has a control character';
  const twice = SINGLE.find((name) => valuesOf(name, rawHeaders).length > 1);
  if (twice !== undefined) return `the head has two ${twice} fields`;

  const [coding] = valuesOf('Transfer-Encoding', rawHeaders);
  if (coding === undefined) return undefined;
  // A recipient that does not know the coding underneath can't tell where the message ends (RFC 9112 §6.1).
  if (coding.toLowerCase() !== 'chunked') return 'the Transfer-Encoding is not chunked and nothing else';
  return httpVersion === '1.0' ? 'HTTP/1.0 has no Transfer-Encoding' : undefined;
}

/** Of two, one reader takes the first and another the last. */
const SINGLE = ['Host', 'Content-Length', 'Transfer-Encoding', 'Proxy-Authorization'] as const;

function valuesOf(name: string, rawHeaders: readonly string[]): readonly string[] {
  const key = name.toLowerCase();
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === key);
}
