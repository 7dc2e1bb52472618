import { expect, it } from 'vitest';
import { encodeAlert } from '../src/alert-record.ts';
import type { AlertName } from '../src/reasons.ts';

// The numbers of RFC 8446 §6 and RFC 6066 §9, written out once more: a slip in the table would fool every client.
const descriptions = [
  ['unexpected_message', 10],
  ['access_denied', 49],
  ['decode_error', 50],
  ['internal_error', 80],
  ['missing_extension', 109],
  ['unrecognized_name', 112],
] as const satisfies readonly (readonly [AlertName, number])[];

it.each(descriptions)('puts %s into one fatal plaintext record', (name, description) => {
  expect([...encodeAlert(name)]).toEqual([
    ...[21, 0x03, 0x03], // alert record, version
    ...[0, 2], // length of the fragment
    ...[2, description], // fatal
  ]);
});
