/** Keys whose effect tests of the running program show, or of the part that has it: which file, and which title in it. */

/** `spelled` stands in the file where the key does not, as it is told from the outside. */
export type Shown = readonly [file: string, title: string, spelled?: string];

const LISTENER_KEYS = 'test/e2e/listener-keys.test.ts';
const CONTRACT = 'test/e2e/contract.test.ts';
const IDENTITY = 'test/e2e/identity.test.ts';
const CHOICE = 'test/e2e/egress/choice.test.ts';
const PARENTS = 'test/e2e/egress/parents.test.ts';
const ARRIVALS = 'test/e2e/arrivals.test.ts';
const INTERCEPT = 'test/e2e/intercept/intercept.test.ts';
const MOMENTS = 'test/e2e/http-forward/moments.test.ts';
const CACHE = 'packages/resolver/test/answer-cache.test.ts';
const SHARED = 'test/e2e/shared-limits.test.ts';
const ADMIN = 'test/e2e/admin-api.test.ts';
const COLLECTORS = 'test/monitoring/log-collectors.test.ts';
const RELOAD = 'test/e2e/reload.test.ts';

/** Both doors have them, and one test tries both. */
const ofEitherDoor = {
  name: [CONTRACT, 'count each end once, under its listener and its reason'],
  mode: [RELOAD, 'has another listener, mode or TLS at an address that stays open'],
  bind: [RELOAD, 'widens the address of a listener at its own port'],
  dual_stack: [
    ARRIVALS,
    'takes IPv4 at an IPv6 bind, seen as IPv4 by policy, log and loop check; without it IPv6 alone',
  ],
  proxy_protocol: [ARRIVALS, '$what says who the client is, to policy and log, at both doors'],
  'timeouts.handshake': [LISTENER_KEYS, 'has its timeouts.handshake'],
  'timeouts.idle': [LISTENER_KEYS, 'has its timeouts: %s'],
  'timeouts.half_close': [LISTENER_KEYS, 'has its timeouts.half_close'],
  'timeouts.lifetime': [LISTENER_KEYS, 'has its timeouts: %s'],
  'timeouts.drain': [
    'test/e2e/lifecycle.test.ts',
    'cuts the tunnels of the %s door after its own timeouts.drain, and leaves those of others',
  ],
  'timeouts.keepalive': [LISTENER_KEYS, 'has its timeouts.keepalive'],
  'limits.tunnels': [LISTENER_KEYS, 'has its limits: %s'],
  'limits.tunnels_per_client': [LISTENER_KEYS, 'has its limits: %s'],
  'limits.new_per_client': [LISTENER_KEYS, 'has its limits: %s'],
  'limits.handshake_bytes': [LISTENER_KEYS, 'has its limits.handshake_bytes'],
} as const satisfies Readonly<Record<string, Shown>>;

const ofConnect = {
  'timeouts.connect': [CONTRACT, 'answers $status $error to $what at $door'],
  port: ['test/e2e/clients.test.ts', 'serves TLS at the explicit door as the transparent one would'],
  misdirected: ['test/e2e/clients.test.ts', 'serves TLS at the explicit door as the transparent one would'],
  http: [MOMENTS, 'meets what that has brought: $what'],
  verify_sni: ['test/e2e/verify-sni.test.ts', 'ends a tunnel with $what, nothing of it sent on'],
  ech: ['test/e2e/verify-sni.test.ts', 'ends a tunnel whose hello is encrypted, under verify_sni: %s'],
  'tls.cert': [IDENTITY, 'is spoken to over TLS, credentials and tunnel alike'],
  'tls.key': [IDENTITY, 'is spoken to over TLS, credentials and tunnel alike'],
  'tls.client_ca': [IDENTITY, 'knows a client by its certificate, and refuses one without'],
  'auth.users_file': [
    IDENTITY,
    'asks curl for credentials, lets it in with them, and logs who it was and nothing of the password',
  ],
  'auth.realm': [IDENTITY, 'answers $what with 407 and a challenge, and reads nothing behind'],
} as const satisfies Readonly<Record<string, Shown>>;

const ofSni = {
  'timeouts.connect': [CONTRACT, '$what at $door gets the alert $alert'],
  port: ['test/e2e/clients.test.ts', 'serves curl a page by SNI'],
  misdirected: ['test/e2e/clients.test.ts', 'serves a CONNECT at the transparent door as the explicit one would'],
  http: [MOMENTS, 'meets it at the transparent door'],
  intercept: [INTERCEPT, 'reach a TLS origin over $family, by name and without one'],
  source: [INTERCEPT, 'show the origin their own address with source: client'],
  dial: [INTERCEPT, 'reach the address that they chose, with dial: original'],
  verify_sni: [INTERCEPT, 'are refused with a forged name by verify_sni: enforce'],
  without_sni: [INTERCEPT, 'reach a TLS origin over $family, by name and without one'],
  ech: [CONTRACT, '$what at $door gets the alert $alert'],
} as const satisfies Readonly<Record<string, Shown>>;

const global = {
  'policy.hints': ['test/e2e/refusal-words.test.ts', 'names no rule and no near miss by %s to who is not in hints'],
  'dns.servers': ['test/e2e/half-answers.test.ts', 'has it dialled at the transparent door too'],
  'dns.cache.entries': [CACHE, 'forgets the least recently used name when it is full'],
  'dns.cache.min_ttl': [CACHE, 'keeps $title'],
  'dns.cache.max_ttl': [CACHE, 'keeps $title'],
  'dns.cache.negative_ttl': [CACHE, 'keeps for negative_ttl that a name has no address'],
  'dns.cache.stale_if_error': [
    'packages/resolver/test/resolver.test.ts',
    'serves an expired answer while DNS fails, if it may, and does not ask at every turn',
  ],
  'dns.timeout': ['packages/resolver/test/resolver.test.ts', 'is over at the timeout'],
  'timeouts.handshake': ['test/e2e/hostile/slow.test.ts', 'are closed half a second after the deadline at the latest'],
  'timeouts.connect': ['test/e2e/egress/replies.test.ts', 'says nothing at all: 504'],
  'timeouts.idle': [
    'test/e2e/http-forward/failures.test.ts',
    'is waited for until nothing has moved for timeouts.idle',
  ],
  'timeouts.half_close': [LISTENER_KEYS, 'has its timeouts.half_close'],
  'timeouts.lifetime': [LISTENER_KEYS, 'has its timeouts: %s'],
  'timeouts.drain': ['test/e2e/lifecycle.test.ts', 'cuts what still lives after timeouts.drain, with the reason drain'],
  'timeouts.keepalive': [LISTENER_KEYS, 'has its timeouts.keepalive'],
  'limits.tunnels': ['test/e2e/refusals.test.ts', 'answers 503 when limits.tunnels is reached'],
  'limits.tunnels_per_client': ['test/e2e/refusals.test.ts', 'admits N from one client, and answers 429 to the next'],
  'limits.new_per_client': [MOMENTS, 'counts for new_per_client'],
  'limits.handshake_bytes': [LISTENER_KEYS, 'has its limits.handshake_bytes'],
  'limits.store': [SHARED, 'follows a reload, there and back'],
  'limits.store.redis': [SHARED, 'admits N over three replicas, and not one more, of 300 that come at once'],
  'limits.store.prefix': [SHARED, 'admits N over three replicas, and not one more, of 300 that come at once'],
  'limits.store.on_failure': [
    SHARED,
    'costs nobody more than a moment when Redis stands still, and says so once',
    'SIGSTOP',
  ],
  'admin.bind': ['test/e2e/privileges.test.ts', 'serves its owner and its group, and replaces what a crash has left'],
  'admin.status_page': [ADMIN, 'is no page where admin.status_page is off'],
  'admin.control': [ADMIN, 'ends that tunnel and no other, once'],
  'log.level': ['test/e2e/log.test.ts', 'has the lines of its level and above'],
  'log.format': ['test/e2e/hostile/log-injection.test.ts', 'tells an ALPN protocol by its escaped name'],
  'log.access': ['test/e2e/log.test.ts', 'has no line of a tunnel where access is false'],
  'log.progress': ['test/e2e/log.test.ts', 'has an open line, progress lines with the bytes so far'],
  'log.file': [RELOAD, 'moves the admin server and the log'],
  'log.syslog': [COLLECTORS, 'comes and goes with a reload'],
  'log.syslog.address': [COLLECTORS, 'gets every line in order, with its number in the header too'],
  'log.syslog.ca': [COLLECTORS, 'whose certificate another authority signed gets nothing'],
  'log.otlp': [COLLECTORS, 'comes and goes with a reload'],
  'log.otlp.endpoint': [COLLECTORS, 'gets every line with its headers, which stand in no line'],
  'log.otlp.headers': [COLLECTORS, 'gets every line with its headers, which stand in no line'],
  'log.otlp.ca': [COLLECTORS, 'over TLS gets lines where its certificate is signed by ca, and nothing otherwise'],
  'runtime.engine': [CONTRACT, 'have these names and labels, and no value that a stranger chose'],
  'runtime.threads': [RELOAD, 'names every part of runtime that stays, in one line'],
  'runtime.user': ['test/e2e/privileges.test.ts', 'is who the process is once all is bound, with no way back'],
  'runtime.watch': [
    'test/e2e/reload-tunnels.test.ts',
    'reloads when a link above the file is exchanged, as a ConfigMap is',
  ],
  'runtime.reload_tunnels': [
    'test/e2e/reload-tunnels.test.ts',
    'keeps tunnels that the new rules deny, unless told otherwise',
  ],
  'runtime.takeover_drain': ['test/e2e/takeover.test.ts', 'cuts what still lives after runtime.takeover_drain'],
  'egress[direct].source_address': [
    CHOICE,
    'is that of the rule, else the default; a direct egress may dial from an address',
  ],
  'egress[direct].proxy_protocol': [CHOICE, '$version goes ahead of everything, by $type, and counts as nothing'],
  'egress[http].address': [CHOICE, 'is that of the rule, else the default; a direct egress may dial from an address'],
  'egress[http].username': [
    'test/e2e/egress/replies.test.ts',
    'is asked for the name as it came, with credentials of ours',
  ],
  'egress[http].password': [
    'test/e2e/egress/replies.test.ts',
    'is asked for the name as it came, with credentials of ours',
  ],
  'egress[http].proxy_protocol': [CHOICE, '$version goes ahead of everything, by $type, and counts as nothing'],
  'egress[http].tls': [CHOICE, 'is served, bytes unchanged, and refused where its certificate is not trusted'],
  'egress[http].ca': [CHOICE, 'is served, bytes unchanged, and refused where its certificate is not trusted'],
  'egress[socks5].address': [PARENTS, 'tunnels go both ways to a name that only the parent resolves'],
  'egress[socks5].username': [PARENTS, 'tunnels go both ways to a name that only the parent resolves'],
  'egress[socks5].password': [PARENTS, 'tunnels go both ways to a name that only the parent resolves'],
  'egress[socks5].proxy_protocol': [CHOICE, '$version goes ahead of everything, by $type, and counts as nothing'],
} as const satisfies Readonly<Record<string, Shown>>;

const at = (door: string, keys: Readonly<Record<string, Shown>>): Readonly<Record<string, Shown>> =>
  Object.fromEntries(Object.entries(keys).map(([key, shown]) => [`listeners[${door}].${key}`, shown]));

export const shown: Readonly<Record<string, Shown>> = {
  ...at('connect', { ...ofEitherDoor, ...ofConnect }),
  ...at('sni', { ...ofEitherDoor, ...ofSni }),
  ...global,
};
