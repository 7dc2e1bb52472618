/** The schema of the doors: the keys of both kinds, and those of one kind. */
import * as z from 'zod';
import { CLIENT_SETS } from '@sallyport/addresses';
import { type HostAndPort, readDestination, readListenerBind } from '../addresses.ts';
import { ok, type Read } from '../units.ts';
import { expected, flag, list, networks, oneOf, port, section, written } from './fields.ts';
import { expectedWord, forms } from './forms.ts';
import { auth, tls } from './identity.ts';
import { limitOverrides, timeoutOverrides } from './limits.ts';
import { NAME_PATTERN, readName } from './names.ts';

/** Where a client goes that names no port. */
export const DEFAULT_PORT = 443;

const bind = written('host:port such as "127.0.0.1:3128"', readListenerBind, ':[0-9]{1,5}$|^systemd:[!-9;-~]+$');

/** The keys of every door. */
const common = {
  name: written('a name of a-z, 0-9, _ and -', readName, NAME_PATTERN).describe('Unique; appears in logs and metrics.'),
  bind: z
    .union([
      bind.transform((address) => [address]),
      list('host:port', bind).min(1, { error: 'no address to listen on; give at least one' }),
    ])
    .describe('Where to listen: an address, systemd:NAME, or a list of them. Port 0 means any free port.'),
  dual_stack: flag()
    .describe('[::] accepts IPv4 clients too, and treats them as IPv4 everywhere. With false it accepts IPv6 only.')
    .prefault(false),
  proxy_protocol: networks(CLIENT_SETS)
    .min(1, { error: 'no network; name the balancers, or remove the key' })
    .describe('These peers must send a PROXY header, v1 or v2; others are refused.')
    .exactOptional(),
  report_only: flag()
    .describe(
      'Rules deny nothing at this door. What they would deny is logged and counted. destinations still applies.',
    )
    .prefault(false),
  port: port()
    .describe('The destination port where the client does not say; with mode: connect only under misdirected: serve.')
    .prefault(DEFAULT_PORT),
  misdirected: oneOf('explain', 'serve')
    .describe('A client at the wrong door: explain the error to it, or serve it as the other door would.')
    .prefault('explain'),
  http: oneOf('reject', 'forward')
    .describe('Plain HTTP requests: reject them, or forward each one under the same policy.')
    .prefault('reject'),
  timeouts: timeoutOverrides.prefault({}),
  limits: limitOverrides.prefault({}),
};

/** The explicit door. */
const connectListener = section({
  mode: z.literal('connect').describe('Clients send CONNECT host:port.'),
  ...common,
  verify_sni: oneOf('off', 'report', 'enforce')
    .describe('Must the ClientHello inside the tunnel name the host that CONNECT named?')
    .prefault('off'),
  ech: oneOf('allow', 'deny')
    .describe(
      'A ClientHello with an encrypted_client_hello extension (GREASE looks the same), where verify_sni reads it.',
    )
    .prefault('allow'),
  tls: tls.exactOptional(),
  auth: auth.exactOptional(),
});

/** The transparent door. */
const sniListener = section({
  mode: z.literal('sni').describe("The destination is the name in the ClientHello's SNI."),
  ...common,
  intercept: oneOf('none', 'redirect', 'tproxy')
    .describe('How connections arrive: by DNS (none), or intercepted by rules of netfilter (redirect, tproxy).')
    .prefault('none'),
  source: oneOf('proxy', 'client')
    .describe('Which address the destination sees; client needs intercept: tproxy.')
    .prefault('proxy'),
  dial: oneOf('sni', 'original')
    .describe('Resolve the name again, or dial the address that the client chose; original needs intercept.')
    .prefault('sni'),
  verify_sni: oneOf('off', 'report', 'enforce')
    .describe('Must the name resolve to the address that the client chose? Needs intercept.')
    .prefault('off'),
  without_sni: written('reject, original or host:port', readWithoutSni, '^(reject|original)$|:[0-9]{1,5}$')
    .describe('A ClientHello without a name: reject it, or send it to this address; original needs intercept.')
    .prefault('reject'),
  ech: oneOf('allow', 'deny')
    .describe('A ClientHello with an encrypted_client_hello extension (GREASE looks the same).')
    .prefault('allow'),
});

/** All doors; at least one. */
export const listeners = list('listeners', forms('mode', [connectListener, sniListener], explainMode))
  .min(1, { error: 'no listener; give at least one' })
  .describe('The doors: where clients connect, and how.');

type WithoutSni = { readonly kind: 'reject' | 'original' } | ({ readonly kind: 'destination' } & HostAndPort);

function readWithoutSni(text: string): Read<WithoutSni> {
  if (text === 'reject' || text === 'original') return ok({ kind: text });
  const destination = readDestination(text);
  return destination.kind === 'ok' ? ok({ kind: 'destination', ...destination.value }) : destination;
}

/** The mode decides which keys there are. */
function explainMode({ code, input }: { readonly code?: string; readonly input?: unknown }): string {
  if (code !== 'invalid_union') return expected('a map of keys')({ input });
  return expectedWord('mode', 'connect (the explicit door) or sni (the transparent door)')({ input });
}
