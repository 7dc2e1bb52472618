/** A response's head as bytes, where `node:http` has no way to write it: 1xx. */
import type { RawFields } from './fields.ts';

/** @param fields names and values in turn */
export function encodeHead(status: number, statusMessage: string, fields: RawFields): Buffer {
  const lines = [`HTTP/1.1 ${status} ${statusMessage}`];
  for (let at = 0; at < fields.length; at += 2) lines.push(`${fields[at] ?? ''}: ${fields[at + 1] ?? ''}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
