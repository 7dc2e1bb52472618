/** Encodes heads as bytes: every octet of a field is sent unchanged. */
import type { FieldLine } from './fields.ts';

/** @param startLine request line or status line, without its line end */
export function encodeHead(startLine: string, fields: readonly FieldLine[]): Uint8Array {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${startLine}\r\n${lines.join('')}\r\n`, 'latin1');
}
