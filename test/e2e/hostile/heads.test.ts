/** Oddities of a CONNECT head, on the wire: refused without a dial, or taken for what they are. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { ask, openClient, type Origin, tcpOrigin } from '../harness/peers.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

let proxy: Running;
let origin: Origin;
let originClients = 0;

beforeAll(async () => {
  origin = await tcpOrigin((socket) => {
    originClients += 1;
    socket.end('origin');
  });
  const names = [
    '1password.test',
    'api-.test',
    '-api.test',
    'a_b.test',
    '_dmarc.test',
    'xn--mnchen-3ya.test',
    'a'.repeat(63) + '.test',
    'single',
  ];
  proxy = await startSallyport(
    configText({
      hosts: Object.fromEntries(names.map((name) => [name, ['127.0.0.1']])),
    }),
  );
});

afterAll(async () => {
  await proxy.stop();
  origin.close();
});

const malformedAuthorities = [
  ...[
    'example.com',
    'example.com:',
    ':443',
    ':',
    '*',
    '/',
    '',
    'example.com:https',
    'example.com:-1',
    'example.com:+443',
  ],
  ...[
    'example.com:0',
    'example.com:65536',
    'example.com:4294967739',
    'example.com:0x1bb',
    'example.com:443.0',
    'a:4 43',
  ],
  ...[
    'example.com:443/',
    'example.com/:443',
    'example.com:443?x',
    'example.com:443#x',
    'u:p@example.com:443',
    'u@h:443',
  ],
  ...['http://example.com:443', 'https://example.com', '//example.com:443', 'example.com:443:443', 'example.com::443'],
  ...['[example.com]:443', '[[::1]]:443', '[1.2.3.4]:443', '[]:443', '[::1:443', '::1]:443', '[::1]', '[::1]443'],
  ...['::1:443', '[::1%25lo]:443', '[fe80::1%lo]:443', '[v1.a]:443', '[::1]x:443', 'x[::1]:443', '[::g]:443'],
  ...['example.com..:443', '.example.com:443', 'example..com:443', '.:443', '..:443', '...........:443'],
  ...[`${'a'.repeat(64)}.test:443`, `${'abcdefg.'.repeat(32)}test:443`, '*.example.com:443'],
  ...['a b:443', 'a\tb:443', 'a\0b:443', 'a\rb:443', '%61.test:443', 'a%00.test:443', 'a\\b:443', 'a,b:443', 'a;b:443'],
  ...[
    '"a":443',
    "a'b:443",
    '<a>:443',
    'xn--.test:443',
    'xn--a.test:443',
    'bücher.test:443',
    '\xff.test:443',
    '\xef\xbb\xbfa.test:443',
  ],
];

const malformedHeads = [
  { why: 'two Host fields', head: 'CONNECT single:443 HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n' },
  { why: 'a Host that is none', head: 'CONNECT single:443 HTTP/1.1\r\nHost: a b\r\n\r\n' },
  {
    why: 'two Proxy-Authorization fields',
    head: fields('Proxy-Authorization: Basic YQ==', 'proxy-authorization: Basic Yg=='),
  },
  { why: 'a body', head: `${fields('Content-Length: 5')}hello` },
  { why: 'two lengths', head: fields('Content-Length: 0', 'Content-Length: 0') },
  { why: 'a list of lengths', head: fields('Content-Length: 0, 0') },
  { why: 'a signed length', head: fields('Content-Length: +0') },
  { why: 'chunks', head: `${fields('Transfer-Encoding: chunked')}0\r\n\r\n` },
  { why: 'any transfer coding', head: fields('Transfer-Encoding: identity') },
  { why: 'a folded field', head: fields('X: a', ' b') },
  { why: 'whitespace before the colon', head: fields('Host : a') },
  { why: 'a field without a colon', head: fields('Host') },
  { why: 'a field without a name', head: fields(': a') },
  { why: 'a NUL in a field', head: fields('X: a\0b') },
  { why: 'an escape in a field', head: fields('X: a\x1b[2J') },
  { why: 'DEL in a field', head: fields('X: \x7f') },
  { why: 'a bare CR in a field', head: fields('X: a\rY: b') },
  { why: 'a bare LF', head: 'CONNECT single:443 HTTP/1.1\nHost: a\n\n' },
  { why: 'two spaces', head: 'CONNECT  single:443 HTTP/1.1\r\n\r\n' },
  { why: 'a tab for a space', head: 'CONNECT\tsingle:443 HTTP/1.1\r\n\r\n' },
  { why: 'a space at the end of the line', head: 'CONNECT single:443 HTTP/1.1 \r\n\r\n' },
  { why: 'no version (HTTP/0.9)', head: 'CONNECT single:443\r\n\r\n' },
  { why: 'HTTP/1.2', head: 'CONNECT single:443 HTTP/1.2\r\n\r\n' },
  { why: 'HTTP/2.0', head: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
  { why: 'http/1.1', head: 'CONNECT single:443 http/1.1\r\n\r\n' },
  { why: 'a byte order mark', head: '\xef\xbb\xbfCONNECT single:443 HTTP/1.1\r\n\r\n' },
  { why: 'a PROXY header', head: 'PROXY TCP4 192.0.2.1 127.0.0.1 1 443\r\nCONNECT single:443 HTTP/1.1\r\n\r\n' },
];

describe('the explicit door', () => {
  it.each(malformedAuthorities)('answers 400 to CONNECT %j', async (authority) => {
    expect(await answer(`CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n\r\n`)).toBe(400);
  });

  it.each(malformedHeads)('answers 400 to $why', async ({ head }) => {
    expect(await answer(head)).toBe(400);
  });

  it.each([
    ...['GET', 'POST', 'OPTIONS', 'TRACE', 'connect', 'Connect', 'CONNECTX', 'M-SEARCH'].map((method) => ({
      what: method,
      head: `${method} single:443 HTTP/1.1\r\nHost: a\r\n\r\n`,
    })),
    {
      what: 'a WebSocket in absolute form',
      head: 'GET ws://single/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n',
    },
  ])('answers 405 to $what', async ({ head }) => {
    expect(await answer(head)).toBe(405);
  });

  it.each([
    ...[
      'single',
      'SINGLE',
      'single.',
      '1password.test',
      'api-.test',
      '-api.test',
      'a_b.test',
      '_dmarc.test',
      'XN--mnchen-3ya.test',
      '127.0.0.1',
    ],
    `${'a'.repeat(63)}.test`,
  ])('connects to %s', async (host) => {
    expect(await tunnelled(`CONNECT ${host}:${origin.port} HTTP/1.1\r\n\r\n`)).toBe('origin');
  });

  it.each([
    { what: 'a port with zeros in front', head: () => `CONNECT single:00${origin.port} HTTP/1.1\r\n\r\n` },
    { what: 'HTTP/1.0 without Host', head: () => `CONNECT single:${origin.port} HTTP/1.0\r\n\r\n` },
    { what: 'a Host of another name', head: () => `CONNECT single:${origin.port} HTTP/1.1\r\nHost: other\r\n\r\n` },
    { what: 'Content-Length: 0', head: () => `CONNECT single:${origin.port} HTTP/1.1\r\nContent-Length: 0\r\n\r\n` },
    { what: 'one empty line in front', head: () => `\r\nCONNECT single:${origin.port} HTTP/1.1\r\n\r\n` },
    {
      what: 'credentials where none are asked for',
      head: () => `CONNECT single:${origin.port} HTTP/1.1\r\nProxy-Authorization: ?\r\n\r\n`,
    },
  ])('takes $what', async ({ head }) => {
    expect(await tunnelled(head())).toBe('origin');
  });

  it('knows a mapped IPv4 address for what it is', async () => {
    expect(await tunnelled(`CONNECT [::ffff:127.0.0.1]:${origin.port} HTTP/1.1\r\n\r\n`)).toBe('origin');
    expect(await proxy.tunnel({ host: '127.0.0.1', outcome: 'ok' })).toMatchObject({
      upstream: `127.0.0.1:${origin.port}`,
    });
  });

  /** The status of the one answer; nothing may have been dialled. */
  async function answer(head: string): Promise<number> {
    const before = originClients;
    const text = await ask(proxy.port('explicit'), Buffer.from(head, 'latin1'));
    expect(originClients).toBe(before);
    expect(text.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
    return Number(/^HTTP\/1\.1 (\d+) /.exec(text)?.[1]);
  }

  async function tunnelled(head: string): Promise<string> {
    const client = await openClient(proxy.port('explicit'));
    client.socket.write(head);
    const { bytes } = await client.ended();
    client.socket.destroy();
    const [reply, tunnel = ''] = bytes.toString().split('\r\n\r\n');
    expect(reply).toBe('HTTP/1.1 200 Connection Established');
    return tunnel;
  }
});

function fields(...lines: readonly string[]): string {
  return `CONNECT single:443 HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}
