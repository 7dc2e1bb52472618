import { describe, expect, it } from 'vitest';
import { minimal, problemsOf, problemsWithoutPlaces } from './stage.ts';

describe('problems of values', () => {
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
    expect(problemsWithoutPlaces(minimal + line)).toEqual([problem]);
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
    expect(problemsWithoutPlaces(text)).toEqual([
      `listeners[0].tls.cert: ${told}`,
      `listeners[0].tls.key: ${told}`,
      `egress[0].ca: ${told}`,
      `policy.rules[0].hosts_file: ${told}`,
      `log.file: ${told}`,
    ]);
  });
});
