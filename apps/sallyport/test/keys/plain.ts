/** What the keys of a listener do to its plain HTTP (`http: forward`). */
import type { Shown } from './shown.ts';

const LISTENER_KEYS = 'test/e2e/listener-keys.test.ts';
const MOMENTS = 'test/e2e/http-forward/moments.test.ts';
const REQUESTS = 'test/e2e/http-forward/requests.test.ts';

/** Each request meets them. */
export const shownInPlain: Readonly<Record<string, Shown>> = {
  name: [LISTENER_KEYS, 'has its timeouts.handshake'],
  mode: [REQUESTS, 'goes through the transparent door to where Host says', 'transparent'],
  bind: [REQUESTS, 'goes through the explicit door to where its target says', 'explicit'],
  http: [MOMENTS, 'meets what that has brought: $what'],
  'tls.cert': [MOMENTS, 'comes too late where other authorities count by then'],
  'tls.key': [MOMENTS, 'comes too late where other authorities count by then'],
  'tls.client_ca': [MOMENTS, 'comes too late where other authorities count by then'],
  'auth.users_file': [MOMENTS, 'meets what that has brought: $what'],
  'auth.realm': ['test/e2e/http-forward/refusals.test.ts', 'asks for them with every request'],
  'timeouts.handshake': [LISTENER_KEYS, 'has its timeouts.handshake'],
  'timeouts.idle': [LISTENER_KEYS, 'has its timeouts: %s'],
  'timeouts.lifetime': [LISTENER_KEYS, 'has its timeouts: %s'],
  'timeouts.drain': [
    'test/e2e/http-forward/connections.test.ts',
    'ends with the response under way when Sallyport',
    'drains',
  ],
  'limits.tunnels': [LISTENER_KEYS, 'has its limits: %s'],
  'limits.tunnels_per_client': [LISTENER_KEYS, 'has its limits: %s'],
  'limits.new_per_client': [LISTENER_KEYS, 'has its limits: %s'],
  'limits.handshake_bytes': [LISTENER_KEYS, 'has its limits.handshake_bytes'],
};

/** By steps that come before the first byte, or that requests and tunnels share: what shows them for tunnels shows them for both. */
export const sharedWithTunnels: readonly string[] = [
  'dual_stack',
  'proxy_protocol',
  'report_only',
  'timeouts.connect',
  'intercept',
  'source',
  'dial',
  'verify_sni',
  'limits.store',
];

/** About a ClientHello, or a tunnel that is up: a request has neither. */
export const aboutTunnelsAlone: readonly string[] = [
  'port',
  'misdirected',
  'ech',
  'without_sni',
  'timeouts.half_close',
  'timeouts.keepalive',
];
