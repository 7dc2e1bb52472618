/**
 * The one definition of every key, its default and its unit.
 *
 * The input is the file's content. The output has durations in milliseconds, sizes in bytes, and every default filled in.
 * Long sections have files of their own in `schema/`.
 */
import * as z from 'zod';
import { readAdminBind, readHostKey, readHostName, readIp, readServer } from './addresses.ts';
import { refuseTwins, unlessWrong } from './schema/comparisons.ts';
import {
  asManyAsCanBeTold,
  count,
  duration,
  durationOrOff,
  expected,
  expectedText,
  flag,
  list,
  oneOf,
  quantity,
  section,
  written,
} from './schema/fields.ts';
import { DIRECT, egress, egressChoice } from './schema/egress.ts';
import { limits, timeouts } from './schema/limits.ts';
import { log } from './schema/log.ts';
import { listeners } from './schema/listeners.ts';
import { hostPattern, policy } from './schema/policy.ts';
import { tests } from './schema/tests.ts';
import { malformed, ok, type Read } from './units.ts';

const cache = section({
  entries: count().describe('Names kept at once.').prefault(10_000),
  min_ttl: duration({ shortestMs: 0 }).describe('The shortest time for which an answer is kept.').prefault('1s'),
  max_ttl: duration({ shortestMs: 0 }).describe('The longest time for which an answer is kept.').prefault('5m'),
  negative_ttl: duration({ shortestMs: 0 })
    .describe('How long the answer is kept that a name does not exist.')
    .prefault('5s'),
  stale_if_error: durationOrOff().describe('How long an expired answer may be used when DNS fails.').prefault('off'),
})
  .refine(({ min_ttl, max_ttl }) => min_ttl <= max_ttl, {
    path: ['min_ttl'],
    error: 'min_ttl is longer than max_ttl; lower it or raise max_ttl',
    ...unlessWrong('min_ttl', 'max_ttl'),
  })
  .describe('Answers are kept for their time to live, within these bounds.');

const hosts = z
  .record(
    z.string().superRefine((text, context) => {
      const read = readHostKey(text);
      if (read.kind === 'malformed') context.addIssue(read.why);
    }),
    list('IP addresses', written('an IP address', readHostAddress)).min(1, { error: 'no address; give at least one' }),
    { error: expected('a map of names to lists of addresses') },
  )
  .superRefine(
    refuseTwins((text) => readHostName(text) ?? text),
    unlessWrong(),
  )
  .superRefine(...asManyAsCanBeTold())
  .transform((spelled) =>
    Object.fromEntries(Object.entries(spelled).map(([text, addresses]) => [readHostName(text) ?? text, addresses])),
  );

const dns = section({
  servers: list('DNS servers', written('the IP address of a DNS server', readServer))
    .min(1, { error: "no server; give one, or leave the key out for the system's resolver" })
    .describe("Left out: the system's resolver, /etc/hosts included.")
    .exactOptional(),
  hosts: hosts.describe('Names with addresses of their own, as in /etc/hosts.').prefault({}),
  family: oneOf('auto', 'ipv4', 'ipv6')
    .describe('auto: both families, the faster one is used (Happy Eyeballs, RFC 8305).')
    .prefault('auto'),
  cache: cache.prefault({}),
  timeout: duration().describe('For one look-up, retries included.').prefault('3s'),
}).describe('How names are resolved.');

/** The default address of the admin server. No listener may use it. */
export const DEFAULT_ADMIN_BIND = '127.0.0.1:9128';

const admin = section({
  bind: written('host:port such as "127.0.0.1:9128"', readAdminBind, ':[0-9]{1,5}$|^unix:/')
    .describe('Where it listens. A unix socket is open to its owner and its group.')
    .prefault(DEFAULT_ADMIN_BIND),
  status_page: flag().describe('Serve the status page at /.').prefault(true),
  control: flag().describe('Let DELETE /api/tunnels/ID end a tunnel.').prefault(false),
}).describe('Metrics, health checks and status page; do not bind it to a public address.');

const THREADS = 'auto or a number of threads from 1 to 64';

const runtime = section({
  engine: oneOf('auto', 'native', 'portable')
    .describe('What relays the bytes. auto: native where it was built, else portable.')
    .prefault('auto'),
  threads: z
    .union(
      [
        z.literal('auto', { error: expected(THREADS) }),
        quantity('a number of threads from 1 to 64', { lowest: 1, highest: 64 }),
      ],
      {
        error: expected(THREADS),
      },
    )
    .describe('Data threads of the native engine; auto: one for each core.')
    .prefault('auto'),
  user: z
    .string({ error: expectedText('the name of a user, or null') })
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/, { error: 'expected the name of a user' })
    .nullable()
    .describe('The process becomes this user once everything is bound; null: it keeps its user.')
    .prefault(null),
  watch: flag().describe('Reload when this file changes, or a file that it names.').prefault(false),
  reload_tunnels: oneOf('keep', 'recheck')
    .describe('What a reload does with live tunnels: recheck ends those that the new rules deny.')
    .prefault('keep'),
  takeover_drain: duration()
    .describe(
      'How long the tunnels of this process go on after a successor (SIGUSR1) has taken over. Then they are cut.',
    )
    .prefault('1h'),
}).describe('How the process runs.');

/** A group has the same spelling where it is defined and where it is used. No host name begins with @. */
const groups = z
  .record(
    z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, { error: 'expected a name of lower-case letters, digits, - and _' }),
    list('hosts', hostPattern),
    { error: expected('a map of names to lists of hosts') },
  )
  .superRefine(...asManyAsCanBeTold())
  .describe('Lists of hosts with a name: hosts: ["@name"]. Those that sallyport groups lists need no entry.');

/** The whole file. */
export const configSchema = section({
  listeners,
  policy,
  groups: groups.prefault({}),
  egress: egress.prefault([]),
  default_egress: egressChoice.prefault(DIRECT),
  tests: tests.prefault([]),
  own_addresses: list('IP addresses', written('an IP address', readHostAddress))
    .describe('Addresses that reach us through NAT or a balancer: dialling one of our ports there is a loop.')
    .prefault([]),
  dns: dns.prefault({}),
  timeouts: timeouts.prefault({}),
  limits: limits.prefault({}),
  admin: admin.prefault({}),
  log: log.prefault({}),
  runtime: runtime.prefault({}),
});

/** The validated file: every section is complete, but the doors' overrides are not merged yet. */
export type ValidatedFile = z.output<typeof configSchema>;

function readHostAddress(text: string): Read<string> {
  const ip = readIp(text);
  return ip === undefined ? malformed(text, 'an IP address in full form') : ok(ip);
}
