import { describe, expect, it } from 'vitest';
import { growthOfTime, LINEAR } from '../../../../test/growth-of-time.ts';
import { minimal, problemsOf, problemsWithoutPlaces } from './stage.ts';

describe('several problems', () => {
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
    expect(problemsWithoutPlaces(text)).toEqual([
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

  it('of a value hide those that come of comparing it', () => {
    expect(problemsOf(`${minimal}dns: { cache: { min_ttl: 600000, max_ttl: 5m } }\n`)).toEqual([
      'F:5:26: dns.cache.min_ttl: expected a duration such as 10s, got 600000',
    ]);
  });

  it('of a list that stands for a map hide those that come of comparing what it has not got', () => {
    expect(problemsOf(`${minimal}dns: { cache: [] }\n`)).toEqual([
      'F:5:15: dns.cache: expected a map of keys, got a list',
    ]);
  });

  it.each([
    'log: { access: MAP, progress: 1s }',
    'admin: { control: MAP, bind: "0.0.0.0:1" }',
    'egress: [{ type: MAP }]',
  ])('are told of a map with a key toString in the place of a word: %s', (text) => {
    const problems = problemsOf(`${minimal}${text.replace('MAP', '{ toString: 1 }')}\n`);
    expect(problems).toContainEqual(expect.stringMatching(/: expected [^;]*, got a map$/));
  });

  it('are told once for a value that cannot be read', () => {
    expect(problemsOf('listeners: *doors')).toEqual([
      expect.stringMatching(/^F:1:12: listeners: \*doors refers to no anchor/),
    ]);
  });

  const MANY = 150_000;
  const keys = (value: string): string => Array.from({ length: MANY }, (_, number) => `"k ${number}": ${value}`).join();
  it.each([
    { what: 'a list', path: 'own_addresses', value: `[${'1,'.repeat(MANY)}]` },
    { what: 'a section', path: 'log', value: `{ ${keys('x')} }` },
    { what: 'a map of names', path: 'groups', value: `{ ${keys('x')} }` },
    { what: 'a map of headers', path: 'log.otlp.headers', value: `{ ${keys('x')} }` },
    { what: 'a map of host names', path: 'dns.hosts', value: `{ ${keys('x')} }` },
  ])('are one where $what has more than can be told', ({ path, value }) => {
    const [section = '', ...within] = path.split('.');
    const inSection = within.reduceRight((inner, key) => `{ ${key}: ${inner} }`, value);
    const text = `${minimal}timeouts: { idle: 1 }\n${section}: ${inSection}\n`;
    const problems = problemsWithoutPlaces(text);
    expect(problems[0]).toBe('timeouts.idle: expected a duration such as 10s, got 1');
    expect(problems.filter((problem) => problem.startsWith(path))).toEqual([
      `${path}: more values are wrong than can be told; is it the right file?`,
    ]);
  });

  it('hide none where variables stand for more values than can be told', () => {
    const text = `${minimal}own_addresses: [${'"${A}",'.repeat(MANY)}]\nlimits: { tunnels: "\${B}" }\n`;
    expect(problemsWithoutPlaces(text, { A: '192.0.2.1', B: 'many' })).toEqual([
      'limits.tunnels: expected a whole number from 1 to 2147483647, got "${B}"; what its variables stand for is not shown',
    ]);
  });

  it('of many rules take a time that grows with their number alone', () => {
    const growth = growthOfTime((rules) => {
      const problems = problemsOf(`${minimal}policy: { rules: [${'{ acton: x },'.repeat(rules)}] }`);
      expect(problems).toHaveLength(2 * rules);
    }, 3_200);
    expect(growth).toBeLessThan(LINEAR);
  });
});
