/** Keys whose effect `explain` or `check` shows: two files that differ in the key alone, and are answered otherwise. */

/** A file with one door of either kind; what is left out is as here. */
export interface FileParts {
  /** Of both doors. */
  readonly door?: string;
  /** Of a rule that allows everything. */
  readonly rule?: string;
  readonly policy?: string;
  readonly dns?: string;
  readonly more?: string;
}

export function fileText({ door = '', rule = '', policy, dns = 'hosts: { a.test: [8.8.8.8] }', more = '' }: FileParts) {
  return `listeners:
  - { name: explicit, mode: connect, bind: "127.0.0.1:3128"${door && `, ${door}`} }
  - { name: transparent, mode: sni, bind: "127.0.0.1:8443"${door && `, ${door}`} }
policy: ${policy ?? `{ rules: [{ name: all, action: allow${rule && `, ${rule}`} }] }`}
dns: { ${dns} }
${more}
`;
}

export interface Decided {
  readonly without: FileParts;
  readonly with: FileParts;
  readonly to?: string;
  readonly user?: string;
}

const byRule = (rule: string, more: Omit<Partial<Decided>, 'with' | 'without'> = {}): Decided => ({
  without: {},
  with: { rule },
  ...more,
});

const egresses = (keys: string): string => `egress: [{ name: out, ${keys} }]\ndefault_egress: out`;
const parent = 'type: http, address: "proxy.test:3128"';
const ofEgress = (before: string, after: string): Decided => ({
  without: { more: egresses(before) },
  with: { more: egresses(after) },
});
const resolved = (type: string): Decided => {
  const keys = `type: ${type}, address: "proxy.test:3128"`;
  return ofEgress(`${keys}, resolve: parent`, `${keys}, resolve: local`);
};
const named = (type: string): Decided => ({
  without: { more: `egress: [{ name: one, ${type} }]\ndefault_egress: one` },
  with: { more: `egress: [{ name: two, ${type} }]\ndefault_egress: two` },
});

const denying = '{ rules: [{ name: no, action: deny }, { name: all, action: allow }]';
const trial: Decided = {
  without: { policy: '{ rules: [{ name: no, action: deny }] }' },
  with: { policy: '{ rules: [{ name: no, action: deny, report_only: true }] }' },
};
const doorsOnTrial: Decided = {
  without: { policy: `${denying} }` },
  with: { policy: `${denying} }`, door: 'report_only: true' },
};

/** Asked at each door. */
export const decided: Readonly<Record<string, Decided>> = {
  'listeners[connect].report_only': doorsOnTrial,
  'listeners[sni].report_only': doorsOnTrial,
  'policy.report_only': { without: { policy: `${denying} }` }, with: { policy: `${denying}, report_only: true }` } },
  'policy.default': { without: { policy: '{ default: deny }' }, with: { policy: '{ default: allow }' } },
  'policy.message': { without: { policy: `${denying} }` }, with: { policy: `${denying}, message: "Ask." }` } },
  'policy.rules.name': { without: { policy: '{ rules: [{ action: allow }] }' }, with: {} },
  'policy.rules.action': { without: {}, with: { policy: '{ rules: [{ name: all, action: deny }] }' } },
  'policy.rules.clients': byRule('clients: [192.168.0.0/16]'),
  'policy.rules.users': byRule('users: [ci]'),
  'policy.rules.listeners': byRule('listeners: [explicit]'),
  'policy.rules.hosts': byRule('hosts: [b.test]'),
  'policy.rules.hosts_file': byRule('hosts_file: hosts.txt'),
  'policy.rules.networks': byRule('networks: [9.9.9.0/24]', { to: '8.8.8.8:443' }),
  'policy.rules.ports': byRule('ports: [8443]'),
  'policy.rules.egress': {
    without: { more: `egress: [{ name: out, ${parent} }]` },
    with: { more: `egress: [{ name: out, ${parent} }]`, rule: 'egress: out' },
  },
  'policy.rules.message': {
    without: { policy: '{ rules: [{ name: no, action: deny }] }' },
    with: { policy: '{ rules: [{ name: no, action: deny, message: "Not {host}." }] }' },
  },
  'policy.rules.report_only': trial,
  'policy.destinations.deny': {
    without: {},
    with: { policy: '{ rules: [{ name: all, action: allow }], destinations: { deny: [8.8.8.0/24] } }' },
  },
  'policy.destinations.allow': {
    without: { dns: 'hosts: { a.test: [10.1.2.3] }' },
    with: {
      dns: 'hosts: { a.test: [10.1.2.3] }',
      policy: '{ rules: [{ name: all, action: allow }], destinations: { allow: [10.1.2.3] } }',
    },
  },
  groups: {
    without: { rule: 'hosts: ["@some"]', more: 'groups: { some: [b.test] }' },
    with: { rule: 'hosts: ["@some"]', more: 'groups: { some: [a.test] }' },
  },
  default_egress: {
    without: { more: `egress: [{ name: out, ${parent} }]` },
    with: { more: egresses(parent) },
  },
  'egress[direct].name': named('type: direct'),
  'egress[http].name': named(parent),
  'egress[socks5].name': named('type: socks5, address: "proxy.test:1080"'),
  'egress[direct].type': ofEgress(parent, 'type: direct'),
  'egress[http].type': ofEgress('type: direct', parent),
  'egress[socks5].type': ofEgress('type: direct', 'type: socks5, address: "proxy.test:1080"'),
  'egress[http].resolve': resolved('http'),
  'egress[socks5].resolve': resolved('socks5'),
  own_addresses: { without: {}, with: { more: 'own_addresses: [8.8.8.8]' }, to: '8.8.8.8:3128' },
  'dns.hosts': { without: {}, with: { dns: 'hosts: { a.test: [8.8.4.4] }' } },
  'dns.family': {
    without: { dns: 'hosts: { a.test: [8.8.8.8, "2001:4860:4860::8888"] }' },
    with: { dns: 'family: ipv6, hosts: { a.test: [8.8.8.8, "2001:4860:4860::8888"] }' },
  },
};

const test = (keys: string): FileParts => ({
  policy: '{ rules: [{ name: one, action: allow, clients: [10.0.0.1], users: [ci], listeners: [transparent] }] }',
  more: `tests: [{ ${keys} }]`,
});
const holds = 'client: 10.0.0.1, user: ci, listener: transparent, to: "a.test:443", expect: allow, rule: one';
const changed = (from: string, to: string): Decided => ({ without: test(holds), with: test(holds.replace(from, to)) });

/** `check` ends otherwise: with 0, and with 2. */
export const checked: Readonly<Record<string, Decided>> = {
  'tests.client': changed('10.0.0.1', '10.0.0.2'),
  'tests.user': changed('user: ci', 'user: other'),
  'tests.listener': changed('listener: transparent', 'listener: explicit'),
  'tests.to': changed('a.test:443', 'a.test:0'),
  'tests.expect': changed('expect: allow', 'expect: deny'),
  'tests.rule': changed('rule: one', 'rule: default'),
};
