import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig, parseConfig } from '../src/load.ts';
import { growthOfTime, LINEAR } from '../../../test/growth-of-time.ts';
import { formatProblem } from '../src/problems.ts';
import { finish } from '../src/steps.ts';

const minimal = `
listeners:
  - { name: explicit, mode: connect, bind: "127.0.0.1:0" }
  - { name: transparent, mode: sni, bind: ["127.0.0.1:0", "[::1]:443"] }
`;

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

describe('values from the environment', () => {
  it('may be numbers, switches, sizes and words', () => {
    const text = `
listeners: [{ name: "\${A}", mode: sni, bind: "\${BIND}", port: "\${N}", limits: { handshake_bytes: "\${N}0" } }]
policy: { report_only: "\${FLAG}", rules: [{ name: "\${N}", action: deny, ports: ["\${N}"] }] }
limits: { tunnels: "\${N}" }
log: { level: "\${LEVEL}", access: "\${FLAG}", file: "\${FILE:-}" }
`;
    const loaded = parseConfig(text, { A: 'a', BIND: '[::1]:0', N: '443', FLAG: 'true', LEVEL: 'warn' });
    expect(loaded).toMatchObject({
      kind: 'ok',
      config: {
        listeners: [{ name: 'a', bind: [{ host: '::1', port: 0 }], port: 443, limits: { handshake_bytes: 4430 } }],
        policy: { report_only: true, rules: [{ name: '443', ports: [{ from: 443, to: 443 }] }] },
        limits: { tunnels: 443 },
        log: { level: 'warn', access: true, file: null },
      },
    });
  });
});

describe('problems', () => {
  it('are all told in one go, each at its line and column, in the order of the file', () => {
    const text = `\
listeners:
  - name: Explicit
    mode: connect
    bnd: "0.0.0.0:3128"
  - name: transparent
    mode: sni
    bind: ["0.0.0.0:443", "*:8443"]
    timeouts: { idle: 10, idel: 10s }
policy:
  defualt: deny
  rules:
    - clients: [private, prvate]
      listeners: [transparant]
      ports: [443, 70000]
log:
  level: \${SALLYPORT_LEVEL}
  format: xml
`;
    expect(problemsOf(text)).toEqual([
      'F:2:5: listeners[0].bind: missing; give host:port such as "127.0.0.1:3128"',
      'F:2:11: listeners[0].name: expected a name of a-z, 0-9, _ and -, got "Explicit"',
      'F:4:5: listeners[0].bnd: unknown key "bnd"; did you mean "bind"?',
      'F:7:27: listeners[1].bind[1]: for every IPv4 address write "0.0.0.0:8443", for IPv6 "[::]:8443"',
      'F:8:23: listeners[1].timeouts.idle: expected a duration such as 10s, got 10',
      'F:8:27: listeners[1].timeouts.idel: unknown key "idel"; did you mean "idle"?',
      'F:10:3: policy.defualt: unknown key "defualt"; did you mean "default"?',
      'F:12:7: policy.rules[0].action: missing; give allow or deny',
      'F:12:26: policy.rules[0].clients[1]: expected one of loopback, private, link_local, any, an IP address, or a CIDR such as 10.0.0.0/8, got "prvate"; did you mean "private"?',
      'F:13:19: policy.rules[0].listeners[0]: no listener is named "transparant"; did you mean "transparent"?',
      'F:14:20: policy.rules[0].ports[1]: expected a port from 1 to 65535 or a range such as "8000-8999", got 70000',
      'F:16:10: log.level: the environment variable SALLYPORT_LEVEL is not set; set it, or give a default: ${SALLYPORT_LEVEL:-default}',
      'F:17:11: log.format: expected json or pretty, got "xml"',
    ]);
  });

  it.each([
    ['', 'polciy: {}', 'polciy: unknown key "polciy"; did you mean "policy"?'],
    ['policy:', 'rule: []', 'policy.rule: unknown key "rule"; did you mean "rules"?'],
    [
      'policy:',
      'rules: [{ action: deny, host: [] }]',
      'policy.rules[0].host: unknown key "host"; did you mean "hosts"?',
    ],
    ['policy:', 'destinations: { dney: [] }', 'policy.destinations.dney: unknown key "dney"; did you mean "deny"?'],
    ['dns:', 'server: []', 'dns.server: unknown key "server"; did you mean "servers"?'],
    ['dns:', 'cache: { maxttl: 1s }', 'dns.cache.maxttl: unknown key "maxttl"; did you mean "max_ttl"?'],
    ['timeouts:', 'half-close: 1s', 'timeouts.half-close: unknown key "half-close"; did you mean "half_close"?'],
    ['limits:', 'tunnel: 1', 'limits.tunnel: unknown key "tunnel"; did you mean "tunnels"?'],
    ['admin:', 'bnd: x', 'admin.bnd: unknown key "bnd"; did you mean "bind"?'],
    ['log:', 'levle: info', 'log.levle: unknown key "levle"; did you mean "level"?'],
    ['', 'clients: [any]', 'clients: unknown key "clients"; it is a key of policy.rules[]'],
    [
      '',
      'tls: {}',
      'tls: unknown key "tls"; it is a key of listeners[] with mode: connect or egress[] with type: http',
    ],
    ['policy:', 'hosts: []', 'policy.hosts: unknown key "hosts"; it is a key of policy.rules[]'],
    ['policy:', 'admin: {}', 'policy.admin: unknown key "admin"; it is a key of the top level of the file'],
    ['dns:', 'entries: 1', 'dns.entries: unknown key "entries"; it is a key of dns.cache'],
    [
      'egress:',
      '[{ name: a, type: direct, source: 10.0.0.1 }]',
      'egress[0].source: unknown key "source"; did you mean "source_address"? It is a key of listeners[] with mode: sni',
    ],
    [
      'egress:',
      '[{ name: a, type: direct, address: "a:1" }]',
      'egress[0].address: unknown key "address"; it is a key of egress[] with type: http or socks5',
    ],
    [
      'egress:',
      '[{ name: a, Type: direct }]',
      'egress[0].type: missing; give direct, http or socks5; it has "Type"; did you mean "type"?',
    ],
    [
      'log:',
      'constructor: 1',
      'log.constructor: unknown key "constructor"; known here: level, format, access, progress, file, syslog, otlp',
    ],
    ['log:', 'file: "a\\0b"', 'log.file: a path holds no NUL character; remove it'],
  ])('name an unknown key and the closest known one, or where it belongs: %s %s', (parent, child, problem) => {
    const written = parent === '' ? child : `${parent}\n  ${child}`;
    expect(problemsOf(minimal + written)).toEqual([
      expect.stringMatching(new RegExp(`^F:\\d+:\\d+: ${problem.replaceAll(/[.?[\]]/g, '\\$&')}$`)),
    ]);
  });

  it('show which space in a key is not a plain one', () => {
    expect(problemsOf(`${minimal}log:\n  \u00a0level: info\n`)).toEqual([
      String.raw`F:6:3: log["\u00a0level"]: unknown key "\u00a0level"; there is a space beside "level" that is not a plain one`,
    ]);
  });

  it.each(['x-office: []', '<<: {}', '__proto__: {}', 'constructor: {}'])(
    'refuse a key that means nothing: %s',
    (line) => {
      expect(problemsOf(minimal + line)).toEqual([expect.stringContaining('unknown key')]);
    },
  );

  it.each(['intercept: none', 'source: proxy', 'dial: sni', 'without_sni: reject'])(
    'refuse what an explicit door does not have: %s',
    (option) => {
      const text = `listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0", ${option} }]`;
      expect(problemsOf(text)).toEqual([expect.stringContaining('unknown key')]);
    },
  );

  it.each([
    ['timeouts: { idle: off }', 'timeouts.idle: expected a duration such as 500ms, 10s, 5m or 1h, got "off"'],
    ['timeouts: { connect: 0s }', 'timeouts.connect: too short; at least 1ms'],
    ['timeouts: { keepalive: 1s }', 'timeouts.keepalive: too short; at least 2s'],
    ['timeouts: { drain: 597h }', 'timeouts.drain: too long; at most 596h'],
    ['timeouts: { lifetime: 87601h }', 'timeouts.lifetime: too long; at most 87600h'],
    ['timeouts: { idle: [] }', 'timeouts.idle: expected a duration such as 10s, got a list'],
    ['timeouts:', 'timeouts: expected a map of keys, got nothing; give it a value, or remove it'],
    ['limits: { tunnels: 0 }', 'limits.tunnels: expected a whole number from 1 to 2147483647, got 0'],
    ['limits: { tunnels: 1.5 }', 'limits.tunnels: expected a whole number from 1 to 2147483647, got 1.5'],
    ['limits: { tunnels: .inf }', 'limits.tunnels: expected a whole number from 1 to 2147483647, got Infinity'],
    ['limits: { tunnels: "5e3" }', 'limits.tunnels: expected a whole number from 1 to 2147483647, got "5e3"'],
    [
      'limits: { tunnels: 1e20 }',
      'limits.tunnels: expected a whole number from 1 to 2147483647, got 100000000000000000000',
    ],
    [
      'policy: { rules: [{ action: deny, users: [1001] }] }',
      'policy.rules[0].users[0]: expected a user name, got 1001; put it in quotes',
    ],
    [
      'policy: { rules: [{ name: true, action: deny }] }',
      'policy.rules[0].name: expected a name, got true; put it in quotes',
    ],
    [
      'egress: [{ name: 12, type: direct }]',
      'egress[0].name: expected a name of a-z, 0-9, _ and -, got 12; put it in quotes',
    ],
    ['runtime: { user: 1000 }', 'runtime.user: expected the name of a user, or null, got 1000; put it in quotes'],
    ['timeouts: { idle: 10 }', 'timeouts.idle: expected a duration such as 10s, got 10'],
    ['runtime: { threads: AUTO }', 'runtime.threads: expected auto or a number of threads from 1 to 64, got "AUTO"'],
    ['runtime: { threads: 1.5 }', 'runtime.threads: expected auto or a number of threads from 1 to 64, got 1.5'],
    [
      'timeouts: { lifetime: false }',
      'timeouts.lifetime: expected off or a duration such as 10s, got false; put off in quotes, for YAML 1.1 reads it as false',
    ],
    [
      'limits: { new_per_client: false }',
      'limits.new_per_client: expected off or a rate such as "200/s", got false; put off in quotes, for YAML 1.1 reads it as false',
    ],
    ['timeouts: { lifetime: never }', 'timeouts.lifetime: expected off or a duration such as 10s, got "never"'],
    ['admin: { bind: off }', 'admin.bind: expected host:port such as "127.0.0.1:9128", got "off"'],
    [
      'log: { otlp: { endpoint: "http://c", headers: { A: x, a: y } } }',
      'log.otlp.headers.a: a is there already; keep one',
    ],
    ['limits: { tunnels: "0" }', 'limits.tunnels: expected a whole number from 1 to 2147483647, got "0"'],
    [
      'limits: { handshake_bytes: 511 }',
      'limits.handshake_bytes: expected a size such as 16KiB, from 512B to 64KiB, got 511',
    ],
    [
      'limits: { handshake_bytes: 65KiB }',
      'limits.handshake_bytes: expected a size such as 16KiB, from 512B to 64KiB, got "65KiB"',
    ],
    ['limits: { new_per_client: 10 }', 'limits.new_per_client: expected off or a rate such as "200/s", got 10'],
    [
      'limits: { store: lokal }',
      'limits.store: expected local, or a map such as { redis: "redis://redis:6379" }, got "lokal"',
    ],
    [
      'limits: { store: { redis: "http://:s3same@redis" } }',
      'limits.store.redis: expected redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// for TLS',
    ],
    [
      'limits: { store: { redis: "redis://:s3same@" } }',
      'limits.store.redis: expected redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// for TLS',
    ],
    [
      'limits: { store: { redis: "redis://:s3same@redis/cache" } }',
      'limits.store.redis: what follows the host is a port, and / with the number of a database; nothing else',
    ],
    [
      'limits: { store: { redis: "redis://:s3same%@redis" } }',
      'limits.store.redis: a % in the user name or the password begins an escape such as %40; write %25 for the sign itself',
    ],
    [
      'limits: { store: { redis: "redis://s%e4me:x@redis" } }',
      'limits.store.redis: a % in the user name or the password begins an escape such as %40; write %25 for the sign itself',
    ],
    ['limits: { store: { redis: "redis://redis:0" } }', 'limits.store.redis: the port is not between 1 and 65535'],
    [
      'limits: { store: { redis: "redis://redis", prefx: a } }',
      'limits.store.prefx: unknown key "prefx"; did you mean "prefix"?',
    ],
    [
      'limits: { store: { redis: "redis://redis", prefix: "a b" } }',
      'limits.store.prefix: expected a word of letters, digits and . _ : -, got "a b"',
    ],
    [
      'limits: { store: { redis: "redis://redis", on_failure: deny } }',
      'limits.store.on_failure: expected local, got "deny"',
    ],
    ['dns: { servers: "" }', 'dns.servers: expected a list of DNS servers, got ""; put it in [ ]'],
    [
      'log: { syslog: { address: "tls://c:1", ca: [] } }',
      'log.syslog.ca: expected the path of a file such as collector-ca.crt, got a list',
    ],
    [
      `default_egress: ${'a'.repeat(101)}`,
      'default_egress: a name has up to 100 characters, and this one 101; shorten it',
    ],
    ['default_egress: "a b"', 'default_egress: expected a name of a-z, 0-9, _ and -, got "a b"'],
    ['dns: { servers: [] }', "dns.servers: no server; give one, or leave the key out for the system's resolver"],
    ['dns: { hosts: { a b: [1.2.3.4] } }', 'dns.hosts["a b"]: expected a host name in A-label form, got "a b"'],
    ['dns: { hosts: { a.b: [1.2.3.4], A.b.: [1.2.3.5] } }', 'dns.hosts["A.b."]: a.b is there already; keep one'],
    ['dns: { hosts: { a: 1.2.3.4 } }', 'dns.hosts.a: expected a list of IP addresses, got "1.2.3.4"; put it in [ ]'],
    ['dns: { hosts: { a: ["127.1"] } }', 'dns.hosts.a[0]: expected an IP address in full form, got "127.1"'],
    ['dns: { cache: { min_ttl: 6m } }', 'dns.cache.min_ttl: min_ttl is longer than max_ttl; lower it or raise max_ttl'],
    ['policy: { report_only: yes }', 'policy.report_only: expected true or false, got "yes"'],
    [
      'policy: { hints: [lopback] }',
      'policy.hints[0]: expected one of loopback, private, link_local, any, an IP address, or a CIDR such as 10.0.0.0/8, got "lopback"; did you mean "loopback"?',
    ],
    ['policy: { hints: true }', 'policy.hints: expected a list of networks, or false, got true'],
    ['policy: { message: "Ask {hots}." }', 'policy.message: unknown placeholder {hots}; did you mean "host"?'],
    [
      'policy: { message: "{hots} {user} {hots}" }',
      'policy.message: unknown placeholders {hots}, {user}; known are {host}, {port}, {rule}, {id}, {client}',
    ],
    [
      'policy: { rules: [{ action: deny, message: "{user} may not" }] }',
      'policy.rules[0].message: unknown placeholder {user}; known are {host}, {port}, {rule}, {id}, {client}',
    ],
    [
      'policy: { message: "a\\nb" }',
      'policy.message: a message is one line without control characters; write it in one',
    ],
    ['policy: { message: "" }', 'policy.message: expected a sentence of 1 to 300 characters, got 0'],
    [
      'policy: { rules: [{ action: allow, report_only: true }] }',
      'policy.rules[0].report_only: report_only is about what a rule denies, and this one allows; remove it',
    ],
    ['policy: { rules: [{ action: permit }] }', 'policy.rules[0].action: expected allow or deny, got "permit"'],
    [
      'policy: { rules: [{ action: deny, name: "a\\nb" }] }',
      'policy.rules[0].name: expected 1 to 100 characters, none of them a control character',
    ],
    ['log: { file: 1 }', 'log.file: expected the path of a file, or null for stdout, got 1'],
    ['log: { progress: 597h }', 'log.progress: too long; at most 596h'],
    ['admin: { bind: 9128 }', 'admin.bind: expected host:port such as "127.0.0.1:9128", got 9128'],
    [
      'policy: { rules: [{ action: allow, ports: 443 }] }',
      'policy.rules[0].ports: expected a list of ports, got 443; put it in [ ]',
    ],
    ['admin:', 'admin: expected a map of keys, got nothing; give it a value, or remove it'],
    ['log: { format: "json\u00a0" }', 'log.format: expected json or pretty, got "json\\u00a0"; did you mean "json"?'],
  ])('say what a value should be: %s', (line, problem) => {
    expect(problemsOf(minimal + line).map((told) => told.replace(/^F:4:\d+: |^F:5:\d+: /, ''))).toEqual([problem]);
  });

  it('say that the store of the limits is no listener’s own', () => {
    const listener = '{ name: a, mode: connect, bind: "127.0.0.1:1", limits: { store: local } }';
    expect(problemsOf(`listeners: [${listener}]\n`)).toEqual([
      expect.stringContaining('listeners[0].limits.store: the store is for the whole process; write it under'),
    ]);
  });

  it.each([
    ['{}', 'F:1:1: listeners: missing; give a list of listeners'],
    ['listeners: []', 'F:1:12: listeners: no listener; give at least one'],
    [
      'listeners: [{ name: a, bind: "127.0.0.1:1" }]',
      'F:1:13: listeners[0].mode: missing; give connect (the explicit door) or sni (the transparent door)',
    ],
    [
      'listeners: [{ name: a, mode: http, bind: "127.0.0.1:1" }]',
      'F:1:30: listeners[0].mode: expected connect (the explicit door) or sni (the transparent door), got "http"',
    ],
    ['listeners: [explicit]', 'F:1:13: listeners[0]: expected a map of keys, got "explicit"'],
    ['- listeners', 'F:1:1: expected a map of keys, got a list'],
    ['listeners', 'F:1:1: expected a map of keys, got "listeners"'],
    [
      'listeners: [{ name: a, mode: sni, bind: [] }]',
      'F:1:41: listeners[0].bind: no address to listen on; give at least one',
    ],
    [
      'listeners: [{ name: a, mode: sni, bind: "127.0.0.1:1", http: serve }]',
      'F:1:62: listeners[0].http: expected reject or forward, got "serve"',
    ],
    [
      'listeners: [{ name: a, mode: sni, bind: "127.0.0.1:1", without_sni: no }]',
      'F:1:69: listeners[0].without_sni: expected reject, original, or a destination such as "fallback.example:443", got "no"',
    ],
  ])('say what %s lacks', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it('are one where a section has more than can be told', () => {
    expect(problemsOf(`${minimal}own_addresses: [${'1,'.repeat(200_000)}]`)).toEqual([
      'F:1:1: more values are wrong than can be told; is it the right file?',
    ]);
  });

  it('of many rules take a time that grows with their number alone', () => {
    const growth = growthOfTime((rules) => {
      const problems = problemsOf(`${minimal}policy: { rules: [${'{ acton: x },'.repeat(rules)}] }`);
      expect(problems).toHaveLength(2 * rules);
    }, 3_200);
    expect(growth).toBeLessThan(LINEAR);
  });

  it('are told of a value from the environment where it is used', () => {
    const text = `${minimal}limits: { tunnels: "\${TUNNELS:-many}" }`;
    expect(problemsOf(text)).toEqual([
      'F:5:20: limits.tunnels: expected a whole number from 1 to 2147483647, got "${TUNNELS:-many}"; what its variables stand for is not shown',
    ]);
  });

  it('blame no placeholder for a message that a variable leaves empty', () => {
    expect(problemsOf(`${minimal}policy: { message: "\${NOTICE:-}" }`)).toEqual([
      'F:5:20: policy.message: expected a sentence of 1 to 300 characters, got 0; what its variables stand for is not shown',
    ]);
  });

  it.each([
    ['egress: [{ name: c, type: http, address: "p:1", username: u, password: "${EMPTY}" }]', 'egress[0].password'],
    ['egress: [{ name: c, type: http, address: "p:1", username: "${EMPTY}", password: p }]', 'egress[0].username'],
    [
      'log: { otlp: { endpoint: "http://c:4318", headers: { authorization: "Bearer ${EMPTY}" } } }',
      'log.otlp.headers.authorization',
    ],
    ['limits: { store: { redis: "redis://:${EMPTY}@redis:6379" } }', 'limits.store.redis'],
  ])('name the variable that leaves a secret empty: %s', (text, path) => {
    const file = `listeners: [{ name: a, mode: connect, bind: "127.0.0.1:1" }]\n${text}\n`;
    const env = { EMPTY: '' };
    expect(problemsOf(file, env).map((told) => told.replace(/^F:\d+:\d+: /, ''))).toEqual([
      `${path}: the environment variable EMPTY is empty; set it, or write \${EMPTY:-} if nothing is meant`,
    ]);
    expect(problemsOf(file.replace('${EMPTY}', '${EMPTY:-}'), env)).toEqual([]);
    expect(problemsOf(file, { EMPTY: 'full' })).toEqual([]);
  });

  it('are told at a key that is no plain text, and at a key that is to merge maps', () => {
    expect(problemsOf(`${minimal}? [a]\n: 1\n`)).toEqual([
      'F:5:3: ["?"]: a key must be plain text; a value that begins with { or [ needs quotes',
    ]);
    expect(problemsOf(`${minimal}dns: &a {}\nlog: { <<: *a }\n`)).toEqual([
      'F:6:8: log["<<"]: unknown key "<<": YAML 1.2 merges no maps; write the keys out',
    ]);
  });

  it('are told of what the form allows that is meant, or else no form, where its word is none of theirs', () => {
    const text = `
listeners:
  - { name: "A A", mode: conect, bind: nope, prot: 5, timeouts: { idle: x }, tls: 3, dial: 3 }
  - { bind: ["127.0.0.1:0", nope] }
egress:
  - { type: sock5, proxy_protocol: v3, address: nope, foo: 1 }
  - { type: tunnel, proxy_protocol: v3, address: nope, foo: 1 }
`;
    expect(problemsOf(text)).toEqual([
      'F:3:13: listeners[0].name: expected a name of a-z, 0-9, _ and -, got "A A"',
      'F:3:26: listeners[0].mode: expected connect (the explicit door) or sni (the transparent door), got "conect"',
      'F:3:40: listeners[0].bind: expected host:port such as "127.0.0.1:3128", got "nope"',
      'F:3:46: listeners[0].prot: unknown key "prot"; did you mean "port"?',
      'F:3:73: listeners[0].timeouts.idle: expected a duration such as 500ms, 10s, 5m or 1h, got "x"',
      'F:3:83: listeners[0].tls: expected a map of keys, got 3',
      'F:3:86: listeners[0].dial: unknown key "dial"; it is a key of listeners[] with mode: sni',
      'F:4:5: listeners[1].mode: missing; give connect (the explicit door) or sni (the transparent door)',
      'F:4:5: listeners[1].name: missing; give a name of a-z, 0-9, _ and -',
      'F:4:29: listeners[1].bind[1]: expected host:port such as "127.0.0.1:3128", got "nope"',
      'F:6:5: egress[0].name: missing; give a name of a-z, 0-9, _ and -',
      'F:6:13: egress[0].type: expected direct, http or socks5, got "sock5"',
      'F:6:36: egress[0].proxy_protocol: expected v1 or v2, got "v3"; did you mean "v1"?',
      'F:6:49: egress[0].address: expected host:port such as "proxy.corp:3128", got "nope"',
      'F:6:55: egress[0].foo: unknown key "foo"; known here: name, type, address, username, password, resolve, proxy_protocol',
      'F:7:5: egress[1].name: missing; give a name of a-z, 0-9, _ and -',
      'F:7:13: egress[1].type: expected direct, http or socks5, got "tunnel"',
      'F:7:37: egress[1].proxy_protocol: expected v1 or v2, got "v3"; did you mean "v1"?',
      'F:7:56: egress[1].foo: unknown key "foo"; known here: name, type, source_address, proxy_protocol',
    ]);
  });

  it.each([
    {
      text: 'limits: {tunnels:5}',
      problem: 'F:5:10: limits["tunnels:5"]: unknown key "tunnels:5"; write a space after "tunnels:"',
    },
    {
      text: 'limits:{ tunnels: 5 }',
      problem: 'F:5:1: ["limits:{ tunnels"]: unknown key "limits:{ tunnels"; write a space after "limits:"',
    },
    {
      text: 'limits:\n  tunnels:5',
      problem: 'F:6:3: limits: expected a map of keys, got "tunnels:5"; write a space after "tunnels:"',
    },
    {
      text: 'log: { syslog: "collector:514" }',
      problem: 'F:5:16: log.syslog: expected a map of keys, got "collector:514"',
    },
  ])('name the space that lacks after a colon: $text', ({ text, problem }) => {
    expect(problemsOf(`${minimal}${text}\n`)).toEqual([problem]);
  });

  it('of one map hide none that comes of comparing its keys or values', () => {
    const text = `${minimal}
policy: { rules: [{ action: allow, report_only: true, ports: [x] }] }
dns:
  cache: { min_ttl: 10m, entries: none }
  hosts: { a.b: [1.2.3.4], A.b: [1.2.3.5], c.d: [x] }
log:
  syslog: { address: "tcp://c:5", ca: a.pem, addres: 1 }
  otlp: { endpoint: "http://c", ca: a.pem, headers: { A: x, a: y, "b c": z } }
`;
    expect(problemsOf(text).map((problem) => problem.replace(/^F:[0-9:]+ /, ''))).toEqual([
      'policy.rules[0].report_only: report_only is about what a rule denies, and this one allows; remove it',
      expect.stringMatching(/^policy\.rules\[0\]\.ports\[0\]: /),
      'dns.cache.min_ttl: min_ttl is longer than max_ttl; lower it or raise max_ttl',
      expect.stringMatching(/^dns\.cache\.entries: /),
      'dns.hosts["A.b"]: a.b is there already; keep one',
      expect.stringMatching(/^dns\.hosts\["c\.d"\]\[0\]: /),
      'log.syslog.ca: there is no certificate without TLS; write tls:// or leave ca out',
      expect.stringMatching(/^log\.syslog\.addres: /),
      'log.otlp.ca: there is no certificate without TLS; write https:// or leave ca out',
      'log.otlp.headers.a: a is there already; keep one',
      expect.stringMatching(/^log\.otlp\.headers\["b c"\]: /),
    ]);
  });

  it('name no content of a file that stands in the place of its path', () => {
    const content = '-----BEGIN PRIVATE KEY-----\\nMIIE\\n';
    const text = `
listeners:
  - { name: a, mode: connect, bind: '127.0.0.1:0', tls: { cert: "${content}", key: "${content}" } }
egress: [{ name: b, type: http, address: "p:1", tls: true, ca: "-----BEGIN CERTIFICATE----- MIIE" }]
policy: { rules: [{ action: allow, hosts_file: "a.test\\nb.test" }] }
log: { file: "${content}" }
`;
    const told = 'expected the path of a file, got what a file holds; save it in one, and give the path of that';
    expect(problemsOf(text).map((problem) => problem.replace(/^F:[0-9:]+ /, ''))).toEqual([
      `listeners[0].tls.cert: ${told}`,
      `listeners[0].tls.key: ${told}`,
      `egress[0].ca: ${told}`,
      `policy.rules[0].hosts_file: ${told}`,
      `log.file: ${told}`,
    ]);
  });

  it('of a value hide those that come of comparing it', () => {
    expect(problemsOf(`${minimal}dns: { cache: { min_ttl: 600000, max_ttl: 5m } }\n`)).toEqual([
      'F:5:26: dns.cache.min_ttl: expected a duration such as 10s, got 600000',
    ]);
  });

  it('are told once for a value that cannot be read', () => {
    expect(problemsOf('listeners: *doors')).toEqual([
      expect.stringMatching(/^F:1:12: listeners: \*doors refers to no anchor/),
    ]);
  });
});

describe('loadConfig', () => {
  it('reads a file, expands it, and finds the places of later problems', () => {
    const directory = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
    const file = join(directory, 'sallyport.yaml');
    writeFileSync(file, `${minimal}timeouts:\n  idle: \${IDLE}\n`);
    const loaded = finish(loadConfig(file, { IDLE: '7s' }));
    rmSync(directory, { recursive: true });
    if (loaded.kind === 'invalid') throw new Error(loaded.problems[0]?.message);
    expect(loaded.config.timeouts.idle).toBe(7_000);
    expect(loaded.warnings).toEqual([]);
    expect(loaded.locate(['timeouts', 'idle'])).toEqual({ line: 6, column: 9 });
  });

  it('tells of a file that is not there', () => {
    const loaded = finish(loadConfig('/absent/sallyport.yaml', {}));
    expect(loaded).toMatchObject({
      kind: 'invalid',
      problems: [{ severity: 'error', path: [], message: 'no such file; name an existing one' }],
    });
  });
});

function objectsIn(value: unknown): object[] {
  return typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(objectsIn)] : [];
}

function configOf(text: string) {
  const loaded = parseConfig(text, {});
  if (loaded.kind === 'invalid')
    throw new Error(loaded.problems.map((problem) => formatProblem('F', problem)).join('\n'));
  return loaded.config;
}

function problemsOf(text: string, env: Readonly<Record<string, string>> = {}): string[] {
  const loaded = parseConfig(text, env);
  const problems = loaded.kind === 'invalid' ? loaded.problems : loaded.warnings;
  return problems.map((problem) => formatProblem('F', problem));
}
