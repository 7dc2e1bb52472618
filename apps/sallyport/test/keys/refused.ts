/** Keys that have no effect at some door or beside some other key: there they are errors. */

interface Refused {
  readonly text: string;
  readonly says: RegExp;
}

const connect = (keys: string): string => `listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0", ${keys} }]\n`;
const sni = (keys: string): string => `listeners: [{ name: a, mode: sni, bind: "127.0.0.1:0", ${keys} }]\n`;
const rule = (keys: string): string => `${connect('port: 443, misdirected: serve')}policy: { rules: [{ ${keys} }] }\n`;
const egress = (keys: string): string =>
  `${connect('port: 443, misdirected: serve')}egress: [{ name: out, ${keys} }]\ndefault_egress: out\n`;

const dualStack = [
  { text: connect('dual_stack: true'), says: /dual_stack: no bind here can take both families.*write bind/ },
  { text: sni('dual_stack: true'), says: /dual_stack: no bind here can take both families.*write bind/ },
];
const store = [
  {
    text: connect('limits: { store: local }'),
    says: /limits\.store: the store is for the whole process; write it under/,
  },
  { text: sni('limits: { store: local }'), says: /limits\.store: the store is for the whole process; write it under/ },
];
const half = (type: string): readonly Refused[] => [
  { text: egress(`type: ${type}, address: "p:1", username: u`), says: /username needs a password/ },
  { text: egress(`type: ${type}, address: "p:1", password: p`), says: /password needs a username/ },
];

export const refused: ReadonlyMap<string, readonly Refused[]> = new Map([
  ['listeners[connect].limits.store', store],
  ['listeners[sni].limits.store', store],
  ['listeners[connect].dual_stack', dualStack],
  ['listeners[sni].dual_stack', dualStack],
  [
    'listeners[connect].port',
    [{ text: connect('port: 8443'), says: /port: port is for a ClientHello.*misdirected: serve/ }],
  ],
  ['listeners[connect].ech', [{ text: connect('ech: deny'), says: /ech: deny needs verify_sni/ }]],
  [
    'listeners[connect].misdirected',
    [
      {
        text: connect('misdirected: serve, auth: { users_file: u }'),
        says: /misdirected: serve would let clients avoid auth/,
      },
    ],
  ],
  ['listeners[sni].source', [{ text: sni('source: client'), says: /source: client needs intercept: tproxy/ }]],
  ['listeners[sni].dial', [{ text: sni('dial: original'), says: /dial: original needs intercept/ }]],
  ['listeners[sni].verify_sni', [{ text: sni('verify_sni: report'), says: /verify_sni needs intercept/ }]],
  [
    'listeners[sni].without_sni',
    [{ text: sni('without_sni: original'), says: /without_sni: original needs intercept/ }],
  ],
  [
    'listeners[sni].proxy_protocol',
    [
      {
        text: sni('intercept: redirect, proxy_protocol: [loopback]'),
        says: /proxy_protocol: .*remove one of the two keys/,
      },
    ],
  ],
  ['policy.rules.egress', [{ text: rule('action: deny, egress: direct'), says: /a rule that denies has no egress/ }]],
  ['policy.rules.report_only', [{ text: rule('action: allow, report_only: true'), says: /report_only.*remove it/ }]],
  ['egress[http].username', half('http')],
  ['egress[http].password', half('http')],
  ['egress[socks5].username', half('socks5')],
  ['egress[socks5].password', half('socks5')],
  ['egress[http].ca', [{ text: egress('type: http, address: "p:1", ca: c.pem'), says: /ca needs tls: true/ }]],
  [
    'log.syslog.ca',
    [
      {
        text: `${sni('port: 443')}log: { syslog: { address: "tcp://h:1", ca: c } }\n`,
        says: /no certificate without TLS/,
      },
    ],
  ],
  [
    'log.otlp.ca',
    [
      {
        text: `${sni('port: 443')}log: { otlp: { endpoint: "http://h:1", ca: c } }\n`,
        says: /no certificate without TLS/,
      },
    ],
  ],
]);
