import { describe, expect, it } from 'vitest';
import { configOf, minimal } from './stage.ts';

const timeouts = {
  handshake: 10_000,
  connect: 10_000,
  idle: 600_000,
  half_close: 60_000,
  lifetime: Infinity,
  drain: 30_000,
  keepalive: 120_000,
};
const limits = {
  tunnels: 20_000,
  tunnels_per_client: 1_000,
  new_per_client: undefined,
  handshake_bytes: 16_384,
  store: 'local',
};
const everyDoor = {
  dual_stack: false,
  misdirected: 'explain',
  http: 'reject',
  report_only: false,
  port: 443,
  timeouts,
  limits,
};

describe('a minimal configuration', () => {
  it('has every default', () => {
    expect(configOf(minimal)).toStrictEqual({
      listeners: [
        {
          ...everyDoor,
          name: 'explicit',
          mode: 'connect',
          bind: [{ host: '127.0.0.1', port: 0 }],
          verify_sni: 'off',
          ech: 'allow',
        },
        {
          ...everyDoor,
          name: 'transparent',
          mode: 'sni',
          bind: [
            { host: '127.0.0.1', port: 0 },
            { host: '::1', port: 443 },
          ],
          intercept: 'none',
          source: 'proxy',
          dial: 'sni',
          verify_sni: 'off',
          without_sni: { kind: 'reject' },
          ech: 'allow',
        },
      ],
      own_addresses: [],
      policy: {
        report_only: false,
        default: 'deny',
        hints: ['loopback', 'private'],
        rules: [
          { name: 'safe-default', action: 'allow', clients: ['loopback', 'private'], ports: [{ from: 443, to: 443 }] },
        ],
        destinations: { deny: ['special'], allow: [] },
      },
      groups: {},
      egress: [],
      default_egress: ['direct'],
      tests: [],
      dns: {
        hosts: {},
        family: 'auto',
        cache: { entries: 10_000, min_ttl: 1_000, max_ttl: 300_000, negative_ttl: 5_000, stale_if_error: Infinity },
        timeout: 3_000,
      },
      timeouts,
      limits,
      admin: { bind: { host: '127.0.0.1', port: 9128 }, status_page: true, control: false },
      log: { level: 'info', format: 'json', access: true, progress: Infinity, file: null, syslog: null, otlp: null },
      runtime: {
        engine: 'auto',
        threads: 'auto',
        user: null,
        watch: false,
        reload_tunnels: 'keep',
        takeover_drain: 3_600_000,
      },
    });
  });

  it('denies everything once a policy is begun, and still refuses special addresses', () => {
    expect(configOf(`${minimal}policy: {}\n`).policy).toEqual({
      report_only: false,
      default: 'deny',
      hints: ['loopback', 'private'],
      rules: [],
      destinations: { deny: ['special'], allow: [] },
    });
  });

  it.each(['policy: { destinations: {} }', 'policy: { destinations: { allow: [10.0.0.0/8] } }'])(
    'refuses special addresses under %s, too',
    (policy) => {
      expect(configOf(minimal + policy).policy.destinations.deny).toEqual(['special']);
    },
  );

  it('is frozen all the way down', () => {
    const config = configOf(minimal);
    const objects = objectsIn(config);
    expect(objects.length).toBeGreaterThan(20);
    expect(objects.every(Object.isFrozen)).toBe(true);
  });
});

describe('a configuration that says everything', () => {
  const config = configOf(`
listeners:
  - name: a_1-b
    mode: sni
    bind: "[2001:db8::1]:8443"
    port: 8443
    misdirected: serve
    http: reject
    report_only: true
    without_sni: "Fallback.example:444"
    ech: allow
    timeouts: { idle: 1h, lifetime: 24h }
    limits: { tunnels: 1, new_per_client: off }
own_addresses: ["203.0.113.7", "2001:DB8::7"]
policy:
  report_only: true
  default: allow
  message: "Ask in #egress."
  hints: [10.0.0.0/8, loopback]
  rules:
    - name: "all of it"
      action: deny
      clients: [10.1.2.3, "::ffff:10.0.0.0/104", any]
      listeners: [a_1-b]
      hosts: ["*", "*.example"]
      networks: [special, 203.0.113.0/24]
      ports: [443, "8000-8999", "80"]
      message: " {client}: {host}:{port} is closed ({rule}, {id}). "
      report_only: true
  destinations: { deny: [], allow: [10.0.0.0/8] }
groups: { mirrors: ['*.mirror.example'] }
tests: [{ client: "::FFFF:10.0.0.7", user: ci, listener: a_1-b, to: "Registry.example.:443", expect: allow, rule: all of it }]
dns:
  servers: [10.0.0.2, "10.0.0.3:5353"]
  hosts: { "Intranet.Example.": [10.1.2.3, "2001:DB8::1"] }
  family: ipv6
  cache: { entries: 5, min_ttl: 0s, max_ttl: 0s, negative_ttl: 0s, stale_if_error: 1h }
  timeout: 500ms
timeouts: { handshake: 1s, connect: 2s, idle: 3s, half_close: 4s, lifetime: 5s, drain: 6s, keepalive: 7s }
limits: { tunnels: 7, tunnels_per_client: 8, new_per_client: 200/s, handshake_bytes: 64KiB, store: { redis: 'rediss://u:p@redis/1' } }
admin: { bind: "localhost:1", status_page: false, control: true }
log:
  { level: trace, format: pretty, access: false, progress: 30s, file: /var/log/sallyport.log,
    syslog: { address: "tls://[2001:DB8::1]:6514", ca: ca.crt }, otlp: { endpoint: "https://Otlp.example", headers: { x-token: a }, ca: ca.crt } }
`);

  it("puts a listener's own values over the global ones, one by one", () => {
    expect(config.listeners[0]).toEqual({
      name: 'a_1-b',
      mode: 'sni',
      bind: [{ host: '2001:db8::1', port: 8443 }],
      port: 8443,
      misdirected: 'serve',
      http: 'reject',
      dual_stack: false,
      report_only: true,
      intercept: 'none',
      source: 'proxy',
      dial: 'sni',
      verify_sni: 'off',
      without_sni: { kind: 'destination', host: 'fallback.example', port: 444 },
      ech: 'allow',
      timeouts: { ...config.timeouts, idle: 3_600_000, lifetime: 86_400_000 },
      limits: { ...config.limits, tunnels: 1, new_per_client: undefined },
    });
  });

  it('has what was written, in its units and spelled canonically', () => {
    expect({ ...config, listeners: undefined }).toEqual({
      own_addresses: ['203.0.113.7', '2001:db8::7'],
      policy: {
        report_only: true,
        default: 'allow',
        message: 'Ask in #egress.',
        hints: ['10.0.0.0/8', 'loopback'],
        rules: [
          {
            name: 'all of it',
            action: 'deny',
            clients: ['10.1.2.3/32', '10.0.0.0/8', 'any'],
            listeners: ['a_1-b'],
            hosts: ['*', '*.example'],
            networks: ['special', '203.0.113.0/24'],
            ports: [
              { from: 443, to: 443 },
              { from: 8000, to: 8999 },
              { from: 80, to: 80 },
            ],
            message: '{client}: {host}:{port} is closed ({rule}, {id}).',
            report_only: true,
          },
        ],
        destinations: { deny: [], allow: ['10.0.0.0/8'] },
      },
      groups: { mirrors: ['*.mirror.example'] },
      egress: [],
      default_egress: ['direct'],
      tests: [
        {
          client: '10.0.0.7',
          user: 'ci',
          listener: 'a_1-b',
          to: { host: 'registry.example', port: 443 },
          expect: 'allow',
          rule: 'all of it',
        },
      ],
      dns: {
        servers: [
          { host: '10.0.0.2', port: 53 },
          { host: '10.0.0.3', port: 5353 },
        ],
        hosts: { 'intranet.example': ['10.1.2.3', '2001:db8::1'] },
        family: 'ipv6',
        cache: { entries: 5, min_ttl: 0, max_ttl: 0, negative_ttl: 0, stale_if_error: 3_600_000 },
        timeout: 500,
      },
      timeouts: {
        handshake: 1_000,
        connect: 2_000,
        idle: 3_000,
        half_close: 4_000,
        lifetime: 5_000,
        drain: 6_000,
        keepalive: 7_000,
      },
      limits: {
        tunnels: 7,
        tunnels_per_client: 8,
        new_per_client: 200,
        handshake_bytes: 65_536,
        store: { redis: 'rediss://u:p@redis/1', prefix: 'sallyport', on_failure: 'local' },
      },
      admin: { bind: { host: '127.0.0.1', port: 1 }, status_page: false, control: true },
      log: {
        level: 'trace',
        format: 'pretty',
        access: false,
        progress: 30_000,
        file: '/var/log/sallyport.log',
        syslog: { address: { isTls: true, host: '2001:db8::1', port: 6514 }, ca: 'ca.crt' },
        otlp: { endpoint: 'https://otlp.example/', headers: { 'x-token': 'a' }, ca: 'ca.crt' },
      },
      runtime: {
        engine: 'auto',
        threads: 'auto',
        user: null,
        watch: false,
        reload_tunnels: 'keep',
        takeover_drain: 3_600_000,
      },
    });
  });
});

function objectsIn(value: unknown): object[] {
  return typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(objectsIn)] : [];
}
