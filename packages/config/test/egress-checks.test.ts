import { describe, expect, it } from 'vitest';
import { parseConfig } from '../src/load.ts';

const listeners = (more = ''): string => `listeners: [{ name: a, mode: connect, bind: "127.0.0.1:1"${more} }]`;

function problemsOf(text: string): readonly string[] {
  const result = parseConfig(text, {});
  const problems = result.kind === 'ok' ? result.warnings : result.problems;
  return problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const http = '{ name: corp, type: http, address: "proxy.corp:3128" }';

describe('ways out', () => {
  it.each([
    { what: 'an http parent', text: `egress: [${http}]\ndefault_egress: corp` },
    { what: 'a list', text: `egress: [${http}]\ndefault_egress: [corp, direct]` },
    {
      what: 'a choice of a rule',
      text: `egress: [${http}]\npolicy: { rules: [{ action: allow, egress: [corp, direct] }] }`,
    },
    { what: 'a socks5 parent', text: 'egress: [{ name: s, type: socks5, address: "[::1]:1080", resolve: local }]' },
    {
      // Commercial proxies take a token as the user or as the password.
      what: 'an http parent with a token',
      text: `egress: [{ name: h, type: http, address: "p:1", username: ${'t'.repeat(300)}, password: "" }]`,
    },
    { what: 'a direct one', text: 'egress: [{ name: w, type: direct, source_address: "::1", proxy_protocol: v2 }]' },
  ])('may be $what', ({ text }) => {
    expect(problemsOf(`${listeners()}\n${text}`)).toEqual([]);
  });

  it.each([
    { text: 'default_egress: corp', problem: /^default_egress: no egress is named "corp"/ },
    { text: 'egress: [{ name: direct, type: direct }]', problem: /direct is there already/ },
    { text: `egress: [${http}, ${http}]`, problem: /^egress\.1\.name: an egress named "corp"/ },
    { text: `egress: [${http}]\ndefault_egress: [corp, corp]`, problem: /stands in the list already/ },
    { text: 'default_egress: [direct, direct]', problem: /stands in the list already/ },
    {
      text: `egress: [${http}]\ndefault_egress: [direct, corp]`,
      problem: /^default_egress\.1: corp is never tried: direct before it is no parent, and only a parent can be down$/,
    },
    {
      text: `egress: [${http}, { name: w, type: direct }]\npolicy: { rules: [{ action: allow, egress: [corp, w, direct] }] }`,
      problem: /^policy\.rules\.0\.egress\.2: direct is never tried: w before it is no parent/,
    },
    { text: 'default_egress: []', problem: /no egress; name at least one/ },
    { text: 'egress: [{ name: a, type: http }]', problem: /^egress\.0\.address: missing/ },
    { text: 'egress: [{ name: a, type: http, address: "proxy" }]', problem: /expected host:port/ },
    { text: 'egress: [{ name: a, type: ftp, address: "p:1" }]', problem: /direct, http or socks5/ },
    { text: 'egress: [{ name: a, type: socks5, address: "p:1", tls: true }]', problem: /unknown key "tls"/ },
    { text: 'egress: [{ name: a, type: http, address: "p:1", source_address: "::1" }]', problem: /unknown key/ },
    { text: 'egress: [{ name: a, type: http, address: "p:1", username: u }]', problem: /needs a password/ },
    {
      text: 'egress: [{ name: a, type: http, address: "p:1", username: u, password: 5 }]',
      problem: /^egress\.0\.password: expected a password; [^\n]*$/,
    },
    {
      text: 'egress: [{ name: a, type: http, address: "http://p:1" }]',
      problem: /expected host:port such as "proxy.corp:3128", without http:\/\/, got/,
    },
    { text: 'default_egress: elsewhere', problem: /no egress is named "elsewhere"; there are direct$/ },
    { text: 'egress: [{ name: a, type: http, address: "p:1", password: u }]', problem: /needs a username/ },
    { text: 'egress: [{ name: a, type: http, address: "p:1", username: "a:b", password: c }]', problem: /has a colon/ },
    {
      text: 'egress: [{ name: a, type: socks5, address: "p:1", username: u, password: "" }]',
      problem: /the password has 0 bytes; SOCKS 5 takes from 1 to 255$/,
    },
    {
      text: `egress: [{ name: a, type: socks5, address: "p:1", username: ${'u'.repeat(256)}, password: c }]`,
      problem: /the user name has 256 bytes; SOCKS 5 takes from 1 to 255$/,
    },
    {
      text: `egress: [{ name: a, type: http, address: "p:1", username: u, password: ${'c'.repeat(8193)} }]`,
      problem: /the password has 8193 bytes; up to 8192 will do$/,
    },
    { text: 'egress: [{ name: a, type: http, address: "p:1", ca: x }]', problem: /ca needs tls: true/ },
    { text: 'egress: [{ name: a, type: direct, source_address: "127.1" }]', problem: /an IP address/ },
    {
      text: 'egress: [{ name: a, type: direct, source_address: 224.0.0.1 }]',
      problem: /source_address: 224\.0\.0\.1 is a multicast address/,
    },
    {
      text: 'egress: [{ name: a, type: socks5, address: "[ff02::1]:1080" }]',
      problem: /ff02::1 is a multicast address, to which nobody can connect/,
    },
    { text: 'policy: { rules: [{ action: deny, egress: direct }] }', problem: /a rule that denies has no egress/ },
    {
      text: 'policy: { rules: [{ action: allow, egress: dierct }] }',
      problem: /no egress is named "dierct"; did you mean/,
    },
  ])('may not be $text', ({ text, problem }) => {
    expect(problemsOf(`${listeners()}\n${text}`).join('\n')).toMatch(problem);
  });

  it.each([12345678, 'true', 'null', '["hunter2"]'])('never show a password: %s', (password) => {
    const text = `egress: [{ name: a, type: http, address: "p:1", username: u, password: ${password} }]`;
    const told = problemsOf(`${listeners()}\n${text}`).join('\n');
    expect(told).toMatch(/expected a password/);
    expect(told).not.toContain(String(password));
  });
});

describe('ways in', () => {
  it.each([
    { more: ', dual_stack: true', problem: /dual_stack: no bind here can take both families/ },
    { more: ', proxy_protocol: []', problem: /no network; name the balancers/ },
    { more: ', proxy_protocol: [special]', problem: /proxy_protocol/ },
  ])('may not be $more', ({ more, problem }) => {
    expect(problemsOf(listeners(more)).join('\n')).toMatch(problem);
  });

  it('are not by a balancer and intercepted', () => {
    const text = 'listeners: [{ name: a, mode: sni, bind: "[::]:1", intercept: tproxy, proxy_protocol: [private] }]';
    expect(problemsOf(text).join('\n')).toMatch(/come by no balancer/);
  });
});
