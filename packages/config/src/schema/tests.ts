/** Tests of the rules: the decisions that an operator expects. */
import * as z from 'zod';
import { readIp, readTested } from '../addresses.ts';
import { malformed, ok, type Read } from '../units.ts';
import { expectedText, list, oneOf, section, written } from './fields.ts';

const test = section({
  client: written('an IP address', readClient).describe("The client's address."),
  user: z
    .string({ error: expectedText('a user name') })
    .min(1, { error: 'an empty name; remove it' })
    .describe('The authenticated user; left out: none.')
    .exactOptional(),
  listener: z
    .string({ error: expectedText('the name of a listener') })
    .describe('The door it comes to; left out: the first one.')
    .exactOptional(),
  to: written('host:port such as "example.com:443"', readTested, ':[0-9]{1,5}$').describe(
    'The destination, as host:port.',
  ),
  expect: oneOf('allow', 'deny').describe('What must be decided. What report_only lets pass counts as allow.'),
  rule: z
    .string({ error: expectedText('the name of a rule') })
    .describe('The rule that decides, or default; left out: any.')
    .exactOptional(),
});

/** All tests. */
export const tests = list('tests', test).describe(
  'Run by check, at the start and at a reload. A file with a test that fails is refused.',
);

function readClient(text: string): Read<string> {
  const ip = readIp(text);
  return ip === undefined ? malformed(text, 'an IP address in full form') : ok(ip);
}
