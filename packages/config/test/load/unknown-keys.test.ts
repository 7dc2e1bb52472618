import { describe, expect, it } from 'vitest';
import { minimal, problemsOf } from './stage.ts';

describe('problems of keys', () => {
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

  it('are told at a key that is no plain text, and at a key that is to merge maps', () => {
    expect(problemsOf(`${minimal}? [a]\n: 1\n`)).toEqual([
      'F:5:3: ["?"]: a key must be plain text; a value that begins with { or [ needs quotes',
    ]);
    expect(problemsOf(`${minimal}dns: &a {}\nlog: { <<: *a }\n`)).toEqual([
      'F:6:8: log["<<"]: unknown key "<<": YAML 1.2 merges no maps; write the keys out',
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
});
