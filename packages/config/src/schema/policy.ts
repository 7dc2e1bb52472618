/** The policy: which clients may reach which destinations. */
import * as z from 'zod';
import { CLIENT_SETS, DESTINATION_SETS, type Network } from '@sallyport/addresses';
import { PORTS_PATTERN, type PortRange, readPorts } from '../units.ts';
import { PLACEHOLDERS, readMessage } from '../messages.ts';
import { unlessWrong } from './comparisons.ts';
import { egressChoice } from './egress.ts';
import { checkPath, expected, expectedText, flag, list, networks, oneOf, section, written } from './fields.ts';

/** Text that is written to logs and metrics as it is: one line, no control characters. */
const label = z
  .string({ error: expectedText('a name') })
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,100}$/u, {
    error: 'expected 1 to 100 characters, none of them a control character',
  })
  // For the JSON Schema: validators in other languages do not know \p{Cc}.
  .meta({ pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]{1,100}$' });

export const hostPattern = z
  .string({ error: expectedText('a host name or pattern') })
  .min(1, { error: 'an empty host; remove it' });

const aPort = { error: expected('a port from 1 to 65535 or a range such as "8000-8999"') };

const portRange = z.union([
  z
    .int(aPort)
    .min(1, aPort)
    .max(65_535, aPort)
    .transform((single): PortRange => ({ from: single, to: single })),
  written('a port or a range such as "8000-8999"', readPorts, PORTS_PATTERN),
]);

const MESSAGE_ABOUT = `One line; ${PLACEHOLDERS.map((name) => `{${name}}`).join(' ')} are filled in.`;

const message = written('a sentence of 1 to 300 characters', readMessage);

const rule = section({
  name: label.describe('Appears in logs and metrics; rule-N if left out.').exactOptional(),
  action: oneOf('allow', 'deny').describe('What happens to a request that matches.'),
  clients: networks(CLIENT_SETS).describe('CIDRs, addresses, or loopback, private, link_local, any.').exactOptional(),
  users: list(
    'user names',
    z.string({ error: expectedText('a user name') }).min(1, { error: 'an empty name; remove it' }),
  )
    .describe('Names of users, or common names of client certificates. Matches only authenticated clients.')
    .exactOptional(),
  listeners: list('listener names', z.string({ error: expectedText('the name of a listener') }))
    .describe('Names of doors.')
    .exactOptional(),
  hosts: list('hosts', hostPattern)
    .describe('Exact names, *.suffix (any depth below it, not the suffix itself), "*" for any name, or "@group".')
    .exactOptional(),
  hosts_file: z
    .string({ error: expected('the path of a file') })
    .min(1, { error: 'an empty path; name a file, or remove the key' })
    .superRefine(checkPath)
    .describe('A file of hosts, one a line, # comments. Relative to this file; adds to hosts. Read again at a reload.')
    .exactOptional(),
  networks: networks(DESTINATION_SETS).describe('Matches a destination given as an IP literal.').exactOptional(),
  ports: list('ports', portRange).describe('Ports and ranges such as "8000-8999".').exactOptional(),
  egress: egressChoice.exactOptional(),
  message: message.describe(`Replaces the sentence of this rule's denials. ${MESSAGE_ABOUT}`).exactOptional(),
  report_only: flag()
    .describe(
      'On a deny rule: it denies nothing. What it would have denied is logged (would_deny), and matching goes on.',
    )
    .exactOptional(),
})
  .refine(({ action, report_only }) => action === 'deny' || report_only !== true, {
    path: ['report_only'],
    error: 'report_only is about what a rule denies, and this one allows; remove it',
    ...unlessWrong('action', 'report_only'),
  })
  .describe('Every field left out matches anything.');

const destinations = section({
  deny: networks(DESTINATION_SETS)
    .describe('Addresses that are never dialled, whatever the rules allow.')
    .prefault(['special']),
  allow: networks(DESTINATION_SETS).describe('Exceptions from deny.').prefault([]),
}).describe('Checked on the address that is dialled, for every tunnel.');

/** The default without a policy: clients on private networks may reach public HTTPS, and all others are denied. */
export const SAFE_DEFAULT: z.input<typeof policySection> = {
  rules: [{ name: 'safe-default', action: 'allow', clients: ['loopback', 'private'], ports: [443] }],
};

const policySection = section({
  report_only: flag()
    .describe('Rules deny nothing. What they would deny is logged and counted. destinations still applies.')
    .prefault(false),
  default: oneOf('allow', 'deny').describe('What happens when no rule matches.').prefault('deny'),
  message: message.describe(`Added at the end of each refusal by policy or address. ${MESSAGE_ABOUT}`).exactOptional(),
  hints: z
    .union([
      networks(CLIENT_SETS),
      z.literal([false, 'false'], { error: expected('a list of networks, or false') }).transform((): Network[] => []),
    ])
    .describe('Clients that are told the rule, and the closest request that is allowed; false: none.')
    .prefault(['loopback', 'private']),
  rules: list('rules', rule).describe('The first match decides.').prefault([]),
  destinations: destinations.prefault({}),
}).describe(
  'Which clients may reach which destinations. Left out: loopback and private clients may reach port 443 of any public name or address.',
);

/** The policy, with the safe default where there is none. */
export const policy = policySection.prefault(SAFE_DEFAULT);
