/** The log line of a refusal has every fact that was known by then: where the client wanted to go, above all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { clientHello, helloFor, serverName } from './harness/hello.ts';
import { ask, openClient } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

interface Case {
  readonly reason: string;
  readonly what: string;
  readonly says: string | Uint8Array;
  /** The client ends its side at once. */
  readonly leaves?: boolean;
  /** Of the log line; undefined for what is not known. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly sni?: string;
}

const connect = (fields: string): string => `CONNECT a.test:8443 HTTP/1.1\r\n${fields}`;
const get = (fields: string, target = 'http://a.test:81/'): string => `GET ${target} HTTP/1.1\r\n${fields}`;
const LONG = `X: ${'x'.repeat(4096)}\r\n\r\n`;
const ECH = clientHello(
  new Map([
    [0, serverName('a.test')],
    [0xfe0d, Buffer.of(0)],
  ]),
);

const asked = { host: 'a.test', port: 8443 };
const askedInHttp = { host: 'a.test', port: 81 };
const NOWHERE = { host: undefined, port: undefined };

/** Of both doors, whatever they do with plain HTTP. */
const always: readonly (Case & { readonly door: 'explicit' | 'transparent' })[] = [
  { door: 'explicit', reason: 'malformed', what: 'two Hosts', says: connect('Host: a\r\nHost: b\r\n\r\n'), ...asked },
  { door: 'explicit', reason: 'malformed', what: 'a body', says: connect('Content-Length: 4\r\n\r\n'), ...asked },
  { door: 'explicit', reason: 'malformed', what: 'a bad field', says: connect('Host : a\r\n\r\n'), ...asked },
  { door: 'explicit', reason: 'malformed', what: 'lines of LF', says: 'CONNECT a.test:8443 HTTP/1.1\n\n', ...asked },
  { door: 'explicit', reason: 'malformed', what: 'no port', says: 'CONNECT a.test HTTP/1.1\r\n\r\n', ...NOWHERE },
  { door: 'explicit', reason: 'too_large', what: 'a long head', says: connect(LONG), ...asked },
  { door: 'explicit', reason: 'too_large', what: 'a long GET', says: get(`Host: a.test\r\n${LONG}`), ...askedInHttp },
  { door: 'explicit', reason: 'handshake_timeout', what: 'half a head', says: connect(''), ...asked },
  { door: 'explicit', reason: 'client_closed', what: 'half a head', says: connect(''), leaves: true, ...asked },
  { door: 'explicit', reason: 'misdirected', what: 'a hello', says: helloFor('a.test'), ...NOWHERE, sni: 'a.test' },
  { door: 'explicit', reason: 'dns', what: 'no such name', says: connect('\r\n'), ...asked },
  { door: 'transparent', reason: 'no_sni', what: 'no name', says: clientHello(new Map()), ...NOWHERE },
  {
    door: 'transparent',
    reason: 'dns',
    what: 'no such name',
    says: helloFor('a.test'),
    host: 'a.test',
    port: 443,
    sni: 'a.test',
  },
];

const withoutHttp: typeof always = [
  { door: 'explicit', reason: 'method', what: 'a GET', says: get('Host: b.test\r\n\r\n'), ...askedInHttp },
  {
    door: 'explicit',
    reason: 'method',
    what: 'a POST',
    says: 'POST http://a.test/ HTTP/1.1\r\n\r\n',
    host: 'a.test',
    port: 80,
  },
  { door: 'transparent', reason: 'misdirected', what: 'a CONNECT', says: connect('\r\n'), ...asked },
  { door: 'transparent', reason: 'not_tls', what: 'a GET', says: get('Host: a.test:81\r\n\r\n', '/'), ...askedInHttp },
  {
    door: 'transparent',
    reason: 'not_tls',
    what: 'a GET to a proxy',
    says: get('Host: b.test\r\n\r\n'),
    ...askedInHttp,
  },
  {
    door: 'transparent',
    reason: 'not_tls',
    what: 'two Hosts',
    says: get('Host: a.test\r\nHost: b.test\r\n\r\n', '/'),
    ...NOWHERE,
  },
  {
    door: 'transparent',
    reason: 'not_tls',
    what: 'a GET of a long target',
    says: `GET http://a.test:81/${'x'.repeat(4096)} HTTP/1.1\r\n\r\n`,
    ...askedInHttp,
  },
  { door: 'transparent', reason: 'ech', what: 'ECH', says: ECH, host: 'a.test', port: 443, sni: 'a.test' },
];

const withHttp: typeof always = [
  { door: 'explicit', reason: 'malformed', what: 'a GET without Host', says: get('\r\n'), ...askedInHttp },
  {
    door: 'explicit',
    reason: 'malformed',
    what: 'two lengths',
    says: get('Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n'),
    ...askedInHttp,
  },
  { door: 'transparent', reason: 'misdirected', what: 'a CONNECT to that port', says: connect('\r\n'), ...asked },
  {
    door: 'transparent',
    reason: 'too_large',
    what: 'a long GET',
    says: get(`Host: a.test:81\r\n${LONG}`, '/'),
    ...askedInHttp,
  },
  {
    door: 'transparent',
    reason: 'handshake_timeout',
    what: 'half a GET',
    says: get('Host: a.test:81\r\n', '/'),
    ...askedInHttp,
  },
];

const limits = ['timeouts: { handshake: 1s }', 'limits: { handshake_bytes: 2KiB }'];

async function expectFacts(proxy: Running, { door, reason, says, leaves, host, port, sni }: (typeof always)[number]) {
  const before = proxy.lines.length;
  const client = await openClient(proxy.port(door));
  client.socket.write(says);
  if (leaves) client.socket.end();
  await client.ended();
  client.socket.destroy();
  const line = await proxy.line({ msg: 'tunnel', reason }, before);
  expect({ host: line['host'], port: line['port'], sni: line['sni'] }).toEqual({ host, port, sni });
}

describe('at doors that refuse plain HTTP', () => {
  let proxy: Running;
  beforeAll(async () => {
    proxy = await startSallyport(configText({ explicit: limits, transparent: ['ech: deny', ...limits] }));
  });
  afterAll(() => proxy.stop());

  it.each([...always, ...withoutHttp])('the line of $reason at the $door door says it: $what', async (row) =>
    expectFacts(proxy, row),
  );

  it('so does the answer in JSON', async () => {
    const answer = await ask(proxy.port('transparent'), connect('Accept: application/json\r\n\r\n'));
    expect(answer).toMatch(/^HTTP\/1\.1 421 [^]*"host":"a\.test","port":8443,/);
  });
});

describe('at doors that forward plain HTTP', () => {
  let proxy: Running;
  beforeAll(async () => {
    const explicit = ['http: forward', ...limits];
    proxy = await startSallyport(
      configText({ explicit, transparent: ['http: forward', 'misdirected: serve', ...limits] }),
    );
  });
  afterAll(() => proxy.stop());

  it.each([...always, ...withHttp])('the line of $reason at the $door door says it: $what', async (row) =>
    expectFacts(proxy, row),
  );
});

describe('with no room in the limits', () => {
  let proxy: Running;
  beforeAll(async () => {
    const full = 'limits: { tunnels: 1 }';
    const explicit = ['http: forward', full];
    proxy = await startSallyport(configText({ explicit, transparent: ['http: forward', 'misdirected: serve', full] }));
  });
  afterAll(() => proxy.stop());

  const rows: typeof always = [
    { door: 'explicit', reason: 'overload', what: 'a CONNECT', says: connect('\r\n'), ...asked },
    { door: 'explicit', reason: 'overload', what: 'a GET', says: get('Host: a.test\r\n\r\n'), ...askedInHttp },
    { door: 'transparent', reason: 'overload', what: 'a CONNECT', says: connect('\r\n'), ...asked },
    {
      door: 'transparent',
      reason: 'overload',
      what: 'a GET',
      says: get('Host: a.test:81\r\n\r\n', '/'),
      ...askedInHttp,
    },
  ];

  it.each(rows)('the line of $reason at the $door door says it: $what', async (row) => {
    const { socket } = await openClient(proxy.port(row.door));
    await expect.poll(() => proxy.metric(`handshakes_active{listener="${row.door}"}`)).toBe(1);
    await expectFacts(proxy, row);
    socket.destroy();
    await expect.poll(() => proxy.metric(`handshakes_active{listener="${row.door}"}`)).toBe(0);
  });
});
