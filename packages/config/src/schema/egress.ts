/** The schema of egresses: direct, or by a parent proxy. */
import * as z from 'zod';
import { readParentAddress, readSourceAddress } from '../addresses.ts';
import { path } from './identity.ts';
import { expected, flag, list, oneOf, section, written } from './fields.ts';
import { expectedWord, forms } from './forms.ts';
import { NAME_PATTERN, readEgressName } from './names.ts';

/** The egress that always exists: direct to the destination, from an address that the kernel chooses. */
export const DIRECT = 'direct';

const name = written('a name of a-z, 0-9, _ and -', readEgressName, NAME_PATTERN).describe(
  'Unique; appears in logs and metrics.',
);

const proxyProtocol = oneOf('v1', 'v2')
  .describe("Send a PROXY header with the client's address before everything else.")
  .exactOptional();

const direct = section({
  name,
  type: z.literal('direct').describe("Straight to the destination's own addresses."),
  source_address: written('an IP address of this machine', readSourceAddress)
    .describe('The local address to dial from. Destinations of the other family then cannot be reached.')
    .exactOptional(),
  proxy_protocol: proxyProtocol,
});

/** Why a user name or a password may not have so many bytes, as a clause; undefined where it may. */
type LoginLimit = (bytes: number) => string | undefined;

const parent = (limit: LoginLimit) => ({
  address: written('host:port such as "proxy.corp:3128"', readParentAddress, ':[0-9]{1,5}$').describe(
    'Where the parent listens. A name is resolved like the name of a destination.',
  ),
  username: secret('user name', limit).describe('The user name for the parent; needs password.').exactOptional(),
  password: secret('password', limit).describe('Never shown in a message or a log line.').exactOptional(),
  resolve: oneOf('parent', 'local')
    .describe('Who resolves names. local: we do, address rules apply to names too, and the parent is given an address.')
    .prefault('parent'),
  proxy_protocol: proxyProtocol,
});

const http = section({
  name,
  type: z.literal('http').describe('An HTTP proxy, asked by CONNECT.'),
  ...parent(limitOfBasic),
  tls: flag().describe('Speak TLS to the parent.').prefault(false),
  ca: path('parent-ca.crt')
    .describe("Authorities that must have signed the parent's certificate, in PEM; left out: the system's. Needs tls.")
    .exactOptional(),
});

const socks5 = section({
  name,
  type: z.literal('socks5').describe('A SOCKS 5 proxy (RFC 1928).'),
  ...parent(limitOfSocks),
});

/** All egresses with a name, without `direct`. */
export const egress = list('egresses', forms('type', [direct, http, socks5], explainType)).describe(
  'Ways out: parents, and local addresses to dial from.',
);

/** One egress, or several to be tried in order. */
export const egressChoice = z
  .union([
    written('the name of an egress', readEgressName, NAME_PATTERN).transform((one) => [one]),
    list('names of egresses', written('the name of an egress', readEgressName, NAME_PATTERN)).min(1, {
      error: 'no egress; name at least one',
    }),
  ])
  .describe('Names of egresses. In a list, the next one is tried when a parent is down, never when it refused.');

/** RFC 1929 §2. */
function limitOfSocks(bytes: number): string | undefined {
  return bytes >= 1 && bytes <= 255 ? undefined : 'SOCKS 5 takes from 1 to 255';
}

/** RFC 7617 has no limit, but proxies have one for a whole head. Either may be empty: the other is a token then. */
function limitOfBasic(bytes: number): string | undefined {
  return bytes <= 8192 ? undefined : 'up to 8192 will do';
}

/** Text that no message ever shows. */
function secret(what: string, limit: LoginLimit) {
  return z
    .string({ error: `expected a ${what}; write it in quotes, or as "\${VARIABLE}" from the environment` })
    .transform((text, context) => {
      const why = whyNoSecret(text, limit);
      if (why === undefined) return text;
      context.addIssue(`the ${what} has ${why}`);
      return z.NEVER;
    });
}

function whyNoSecret(text: string, limit: LoginLimit): string | undefined {
  // RFC 7617 allows none.
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(text)) return 'a control character';
  const bytes = Buffer.byteLength(text);
  const why = limit(bytes);
  return why && `${bytes} bytes; ${why}`;
}

function explainType({ code, input }: { readonly code?: string; readonly input?: unknown }): string {
  if (code !== 'invalid_union') return expected('a map of keys')({ input });
  return expectedWord('type', 'direct, http or socks5')({ input });
}
