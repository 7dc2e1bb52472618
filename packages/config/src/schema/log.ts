/** The log: its level, its format and its destinations. */
import * as z from 'zod';
import { readCollector, readEndpoint } from '../collectors.ts';
import { LONGEST_TIMER_MS } from '../units.ts';
import { refuseTwins, unlessWrong } from './comparisons.ts';
import { asManyAsCanBeTold, checkPath, durationOrOff, expected, flag, oneOf, section, written } from './fields.ts';
import { path } from './identity.ts';

const ca = path('collector-ca.crt')
  .describe(
    "Authorities that must have signed the collector's certificate, in PEM; left out: those that Node.js knows.",
  )
  .exactOptional();

const syslog = section({
  address: written('tls://host:port or tcp://host:port', readCollector, '^(tls|tcp)://').describe(
    'Where the collector listens; port 6514 is usual for TLS.',
  ),
  ca,
}).refine(({ address, ca }) => ca === undefined || address.isTls, {
  path: ['ca'],
  error: 'there is no certificate without TLS; write tls:// or leave ca out',
  ...unlessWrong('address', 'ca'),
});

/** Headers that the HTTP client itself sets, and those that are about one exchange or one connection (RFC 9110 §7.6.1). */
const RESERVED_HEADERS = [
  ...['connection', 'content-length', 'content-type', 'expect', 'host', 'keep-alive'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
];

const headers = z
  .record(
    z.string().superRefine((name, context) => {
      const isReserved = RESERVED_HEADERS.includes(name.toLowerCase());
      if (isReserved) context.addIssue('this header is set by the exchange itself; leave it out');
      // A token (RFC 9110 §5.6.2).
      else if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name))
        context.addIssue('expected the name of a header, such as authorization');
    }),
    // Values are often secrets: no message shows them.
    z
      .string({ error: 'expected text; write it in quotes, or as "${VARIABLE}" from the environment' })
      .regex(/^[\t -~]*$/, { error: 'expected printable ASCII characters' }),
    { error: expected('a map of header names to values') },
  )
  .superRefine(
    refuseTwins((name) => name.toLowerCase()),
    unlessWrong(),
  )
  .superRefine(...asManyAsCanBeTold());

const otlp = section({
  endpoint: written('a URL such as "http://collector:4318"', readEndpoint, '^https?://').describe(
    'A URL of http or https; /v1/logs is added to its path.',
  ),
  headers: headers.describe('Sent with every request; never shown.').prefault({}),
  ca,
}).refine(({ endpoint, ca }) => ca === undefined || endpoint.startsWith('https:'), {
  path: ['ca'],
  error: 'there is no certificate without TLS; write https:// or leave ca out',
  ...unlessWrong('endpoint', 'ca'),
});

export const log = section({
  level: oneOf('trace', 'debug', 'info', 'warn', 'error')
    .describe('Lines of a lower level are not written.')
    .prefault('info'),
  format: oneOf('json', 'pretty')
    .describe('json: one object a line, see sallyport schema --log. pretty: columns for people.')
    .prefault('json'),
  access: flag().describe('One line for each tunnel, when it ends.').prefault(true),
  progress: durationOrOff({ longestMs: LONGEST_TIMER_MS })
    .describe('A line for every live tunnel when it is up, and then at this interval.')
    .prefault('off'),
  file: z
    .string({ error: expected('the path of a file, or null for stdout') })
    .superRefine(checkPath)
    .refine((path) => !path.endsWith('/'), { error: 'a path that ends in / is that of a folder; name a file in it' })
    .nullable()
    .transform((path) => path || null)
    .describe('null or left out: stdout. Reopened on SIGUSR2, and by a reload where it was renamed or removed.')
    .prefault(null),
  syslog: syslog.nullable().describe('A syslog collector (RFC 5424) that gets every line too.').prefault(null),
  otlp: otlp
    .nullable()
    .describe('An OpenTelemetry collector (OTLP/HTTP, JSON) that gets every line too.')
    .prefault(null),
}).describe('The access log and messages.');
