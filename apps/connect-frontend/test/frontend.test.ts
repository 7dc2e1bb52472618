import {
  TunnelError,
  type Frontend,
  type Greeting,
  type Identified,
  type PlainHttp,
  type PrereadLimits,
  type RefusedTunnel,
} from '@sallyport/tunnel-server';
import type { Leg } from '@sallyport/tunnel-splice';
import { describe, expect, it } from 'vitest';
import { createConnectFrontend, type ConnectAuth, type ConnectFrontendOptions } from '../src/frontend.ts';
import { type Connection, useConnections } from '../../../packages/tunnel-server/test/connections.ts';
import { limits, readReply, type Bounds } from './reading.ts';
import { encodeHead, encodeText, HOST, MALFORMED_HEADS } from './heads.ts';

const CONNECT = encodeHead('CONNECT example.com:443 HTTP/1.1', HOST);
const TUNNEL = { id: 't1', listener: 'explicit' };
const DESTINATION = { kind: 'name', host: 'example.com', port: 443 } as const;
const TLS_HELLO = Buffer.from([22, 3, 1, 0, 5, 1, 0, 0, 1, 3]);

const openConnection = useConnections();

describe('identify', () => {
  it('reads the destination of a CONNECT, and what the upstream must still get', async () => {
    const { frontend, peer } = await openTunnel();
    peer.write(Buffer.concat([CONNECT, encodeText('early')]));
    const { destination, clientBytes } = await identifyTunnel(frontend);
    expect(destination).toEqual(DESTINATION);
    expect(Buffer.from(clientBytes).toString()).toBe('early');
  });

  it('takes a CONNECT over from another door', async () => {
    const { frontend, peer } = await openTunnel();
    peer.write(CONNECT.subarray(9));
    expect((await identifyTunnel(frontend, CONNECT.subarray(0, 9))).destination).toEqual(DESTINATION);
  });

  it.each([
    { what: 'a client that left', bytes: CONNECT.subarray(0, 20), reason: 'client_closed' },
    { what: 'a connection that is closed without a word', bytes: new Uint8Array(), reason: 'probe' },
  ])('calls $what $reason', async ({ bytes, reason }) => {
    const { frontend, peer } = await openTunnel();
    peer.end(bytes);
    expect((await errorOf(async () => frontend.identify(limits()))).reason).toBe(reason);
  });
});

describe('a refused client', () => {
  it.each(MALFORMED_HEADS)('is told 400 for $text', async ({ text, why }) => {
    const { reply, reason, status } = await refuseAfter(encodeText(text));
    expect(reason).toBe('malformed');
    expect(status).toBe(400);
    expect(reply).toMatch(/^HTTP\/1\.1 400 Bad Request \(The request is malformed: /);
    expect(reply).toContain(`\r\n\r\nThe request is malformed: ${why} (malformed, tunnel t1).\n`);
  });

  it.each([
    { request: 'CONNECT example.com:443/ HTTP/1.1', why: 'its target' },
    { request: 'CONNECT 127.1:443 HTTP/1.1', why: 'its host' },
    { request: 'CONNECT example.com:443 HTTP/1.1\r\nContent-Length: 5', why: 'its body' },
    { request: 'CONNECT example.com:443 HTTP/1.1\r\nTransfer-Encoding: chunked', why: 'its body' },
  ])('is told 400 for $why: $request', async ({ request }) => {
    const { reply, reason } = await refuseAfter(encodeHead(request, HOST));
    expect(reason).toBe('malformed');
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('is told 431 for a head of one byte more than the limit', async () => {
    const { reply, reason } = await refuseAfter(CONNECT, { prereadLimitBytes: CONNECT.length - 1 });
    expect(reason).toBe('too_large');
    expect(reply).toMatch(
      /^HTTP\/1\.1 431 Request Header Fields Too Large \(The request head is larger than \d+ bytes\)\r\n/,
    );
  });

  it('is told in JSON where it asks for that, whatever it is refused for', async () => {
    const accepts = ['Accept: text/html', 'Accept: application/json'];
    const { reply } = await refuseAfter(encodeHead('GET http://a.example/ HTTP/1.1', HOST, ...accepts));
    const [, content = ''] = reply.split('\r\n\r\n');
    expect(JSON.parse(content)).toMatchObject({ status: 405, reason: 'method', id: 't1', listener: 'explicit' });
  });

  it.each([
    { version: 5, greeting: [5, 2, 0, 2], refusal: [5, 0xff] },
    { version: 4, greeting: [4, 1, 1, 0xbb, 192, 0, 2, 1, 0], refusal: [0, 0x5b, 0, 0, 0, 0, 0, 0] },
  ])('is refused in SOCKS $version where it speaks that', async ({ version, greeting, refusal }) => {
    const { reply, reason, status, message } = await refuseAfter(Uint8Array.from(greeting));
    expect({ reason, status }).toEqual({ reason: 'malformed', status: undefined });
    expect(message).toBe(`The request is malformed: it opens with SOCKS ${version}, and this door speaks HTTP.`);
    expect([...Buffer.from(reply, 'latin1')]).toEqual(refusal);
  });

  it('is told 405 for another method, and which one is served', async () => {
    const { reply, reason } = await refuseAfter(encodeHead('GET http://example.com/ HTTP/1.1', 'Host: example.com'));
    expect(reason).toBe('method');
    expect(reply).toMatch(/^HTTP\/1\.1 405 Method Not Allowed \(This proxy serves only the method CONNECT\)\r\n/);
    expect(reply).toContain('\r\nAllow: CONNECT\r\n');
  });

  it('is told of a malformed head before it is told of its method', async () => {
    const { reason } = await refuseAfter(encodeHead('GET http://example.com/ HTTP/1.1', 'Host : example.com'));
    expect(reason).toBe('malformed');
  });

  it('gets no content in reply to a HEAD', async () => {
    const { reply } = await refuseAfter(encodeHead('HEAD http://example.com/ HTTP/1.1', 'Host: example.com'));
    expect(reply).toMatch(/^HTTP\/1\.1 405 [^]*\r\n\r\n$/);
  });

  it('is answered with HTTP/1.1 when it speaks HTTP/1.0', async () => {
    const { reply } = await refuseAfter(encodeHead('GET / HTTP/1.0'));
    expect(reply).toMatch(/^HTTP\/1\.1 405 /);
  });

  it('is told 408 when its head is not whole at the deadline', async () => {
    const { reply, reason, status } = await refuseAfter(CONNECT.subarray(0, 1), { deadlineInMs: 100 });
    expect(reason).toBe('handshake_timeout');
    expect(status).toBe(408);
    expect(reply).toMatch(/^HTTP\/1\.1 408 Request Timeout \(The request head was not complete in time\)\r\n/);
  });

  it('is closed without a word when it was silent until the deadline', async () => {
    const { reply, reason, status } = await refuseAfter(new Uint8Array(), { deadlineInMs: 100 });
    expect(reason).toBe('handshake_timeout');
    expect(status).toBeUndefined();
    expect(reply).toBe('');
  });

  it('is answered before it said anything when it is one too many', async () => {
    const { frontend, peer } = await openTunnel();
    expect(frontend.refuse(new TunnelError('client_limit', 'Too many tunnels.'), TUNNEL)).toBe(429);
    expect(await readReply(peer)).toMatch(/^HTTP\/1\.1 429 Too Many Requests \(Too many tunnels\)\r\n/);
  });

  it('gets one reply, however many requests it sent at once', async () => {
    const { reply } = await refuseAfter(Buffer.concat([encodeHead('GET / HTTP/1.1', HOST), CONNECT, CONNECT]));
    expect(reply.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(reply).toContain('\r\nConnection: close\r\n');
  });

  it('gets its reply whole although it keeps sending', async () => {
    const { reply } = await refuseAfter(Buffer.concat([encodeHead('GET / HTTP/1.1', HOST), Buffer.alloc(256 * 1024)]));
    expect(reply).toMatch(/\(method, tunnel t1\)\.\n$/);
  });

  it('is only closed when it has left', async () => {
    const { frontend, peer } = await openTunnel();
    expect(frontend.refuse(new TunnelError('client_closed', 'The client left.'), TUNNEL)).toBeUndefined();
    expect(await readReply(peer)).toBe('');
  });
});

describe('establish', () => {
  it.each(['HTTP/1.1', 'HTTP/1.0'])('answers %s with 200, and no word on content', async (version) => {
    const { frontend, peer, leg } = await openTunnel();
    peer.write(encodeHead(`CONNECT example.com:443 ${version}`, HOST));
    await frontend.identify(limits());
    const { bytes, status } = frontend.greeting();
    frontend.establish();
    leg.close();
    expect(await readReply(peer)).toBe('HTTP/1.1 200 Connection Established\r\n\r\n');
    expect([Buffer.from(bytes).toString(), status]).toEqual(['HTTP/1.1 200 Connection Established\r\n\r\n', 200]);
  });

  it('leaves nothing to say: a refusal behind it only closes, and 200 stays the answer', async () => {
    const { frontend, peer } = await openTunnel();
    peer.write(CONNECT);
    await frontend.identify(limits());
    frontend.establish();
    expect(frontend.refuse(new TunnelError('overload', 'Too late.'), TUNNEL)).toBe(200);
    expect(await readReply(peer)).toBe('HTTP/1.1 200 Connection Established\r\n\r\n');
  });
});

describe('a client that speaks TLS', () => {
  it('is told unexpected_message in TLS', async () => {
    const { reply, reason, status } = await refuseAfter(TLS_HELLO);
    expect(reason).toBe('misdirected');
    expect(status).toBeUndefined();
    expect(encodeText(reply)).toEqual(Buffer.from([21, 3, 3, 0, 2, 2, 10]));
  });

  it('is served by the other door, which gets every byte read so far', async () => {
    const { peer, leg, other, frontend } = await openMisdirected();
    peer.write(TLS_HELLO);
    const { destination, clientBytes } = await identifyTunnel(frontend);
    expect(destination).toEqual(DESTINATION);
    expect(Buffer.from(clientBytes)).toEqual(TLS_HELLO);
    expect(other.client).toBe(leg);

    expect(Buffer.from(frontend.greeting().bytes).toString()).toBe('established by the other door');
    frontend.establish();
    leg.close();
    expect(await readReply(peer)).toBe('established by the other door');
  });

  it('is refused by the other door', async () => {
    const { peer, frontend } = await openMisdirected();
    peer.write(TLS_HELLO);
    await frontend.identify(limits());
    expect(frontend.refuse(new TunnelError('policy', 'No.'), TUNNEL)).toBe(421);
    expect(await readReply(peer)).toBe('refused by the other door: policy t1');
  });

  it('does not keep the clients of this door from being served', async () => {
    const { peer, frontend } = await openMisdirected();
    peer.write(CONNECT);
    await frontend.identify(limits());
    expect(frontend.refuse(new TunnelError('policy', 'No.'), TUNNEL)).toBe(403);
  });
});

describe('a door with credentials', () => {
  const CREDENTIALS = 'Proxy-Authorization: Basic YWxpY2U6c2VjcmV0';
  const auth: ConnectAuth = {
    realm: 'a "quoted\\" realm',
    authenticate: (_client, fieldValue) =>
      fieldValue === 'Basic YWxpY2U6c2VjcmV0'
        ? Promise.resolve('alice')
        : Promise.reject(new TunnelError('auth', 'The user name or the password is wrong.')),
  };
  const options: ConnectFrontendOptions = { misdirected: 'explain', auth };
  const withCredentials = (...fieldLines: string[]): Buffer =>
    encodeHead('CONNECT example.com:443 HTTP/1.1', HOST, ...fieldLines);

  it('says who the client is', async () => {
    const { frontend, peer } = await openTunnel(options);
    peer.write(withCredentials(CREDENTIALS));
    expect(await frontend.identify(limits())).toMatchObject({ destination: DESTINATION, user: 'alice' });
  });

  it.each([
    { what: 'without credentials', bytes: CONNECT },
    { what: 'with wrong ones', bytes: withCredentials('Proxy-Authorization: Basic YWxpY2U6Z3Vlc3M=') },
    { what: 'with those for an origin', bytes: withCredentials(CREDENTIALS.replace('Proxy-', '')) },
  ])('answers a client $what with 407, a challenge, and a close', async ({ bytes }) => {
    const { reply, reason, status } = await refuseAfter(
      Buffer.concat([bytes, withCredentials(CREDENTIALS)]),
      {},
      options,
    );
    expect(reason).toBe('auth');
    expect(status).toBe(407);
    expect(reply).toMatch(/^HTTP\/1\.1 407 Proxy Authentication Required \(/);
    expect(reply).toContain('\r\nProxy-Authenticate: Basic realm="a \\"quoted\\\\\\" realm", charset="UTF-8"\r\n');
    expect(reply).toContain('\r\nConnection: close\r\n');
    expect(reply.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it.each([
    { what: 'its form', bytes: encodeHead('CONNECT example.com HTTP/1.1', HOST), reason: 'malformed' },
    { what: 'its method', bytes: encodeHead('GET http://example.com/ HTTP/1.1', HOST), reason: 'method' },
    { what: 'credentials given twice', bytes: withCredentials(CREDENTIALS, CREDENTIALS), reason: 'malformed' },
  ])('tells a client of $what before it asks who that is', async ({ bytes, reason }) => {
    expect((await refuseAfter(bytes, {}, options)).reason).toBe(reason);
  });

  it('passes on that the client left meanwhile', async () => {
    const left = new TunnelError('client_closed', 'The client left.');
    const leaving: ConnectAuth = { ...auth, authenticate: () => Promise.reject(left) };
    const { reason, reply } = await refuseAfter(CONNECT, {}, { misdirected: 'explain', auth: leaving });
    expect(reason).toBe('client_closed');
    expect(reply).toBe('');
  });
});

describe('clients like this one', () => {
  const PLAIN = encodeHead('CONNECT example.com:443 HTTP/1.1', HOST, 'User-Agent: curl/8.0', 'Proxy-Connection: close');

  it('send all of its head, and are identified as it is', async () => {
    const { frontend, peer } = await openTunnel();
    peer.write(PLAIN);
    await identifyTunnel(frontend);
    const likeness = frontend.likeness?.();
    expect(likeness).toMatchObject({ isSentUp: false });
    expect(likeness?.nonce).toBeUndefined();
    expect(Buffer.from(likeness?.opening.bytes ?? [])).toEqual(PLAIN);
    expect(Buffer.from(likeness?.opening.mask ?? [])).toEqual(Buffer.alloc(PLAIN.length, 0xff));

    const another = await openTunnel();
    another.peer.write(PLAIN);
    expect(await identifyTunnel(another.frontend)).toEqual(likeness?.identified);
  });

  it('are told where the head comes in pieces, too', async () => {
    const { frontend, peer } = await openTunnel();
    peer.write(PLAIN.subarray(20));
    await identifyTunnel(frontend, PLAIN.subarray(0, 20));
    expect(Buffer.from(frontend.likeness?.()?.opening.bytes ?? [])).toEqual(PLAIN);
  });

  it.each([
    ['whose head has bytes behind it', Buffer.concat([PLAIN, encodeText('early')])],
    [
      'whose head may hold a secret',
      encodeHead('CONNECT example.com:443 HTTP/1.1', HOST, 'Proxy-Authorization: Basic eA'),
    ],
    ['whose head has an unknown field', encodeHead('CONNECT example.com:443 HTTP/1.1', HOST, 'X-Token: t')],
  ])('are not told of a client %s', async (_what, bytes) => {
    const { frontend, peer } = await openTunnel();
    peer.write(bytes);
    await identifyTunnel(frontend);
    expect(frontend.likeness?.()).toBeUndefined();
  });

  it('are not told where the other door serves', async () => {
    const { frontend, peer } = await openMisdirected();
    peer.write(TLS_HELLO);
    await identifyTunnel(frontend);
    expect(frontend.likeness?.()).toBeUndefined();
  });

  it('are not told of a refused one', async () => {
    const { frontend, peer } = await openTunnel();
    peer.write(encodeHead('CONNECT example.com:0 HTTP/1.1', HOST));
    await errorOf(async () => frontend.identify(limits()));
    expect(frontend.likeness?.()).toBeUndefined();
  });
});

describe('a door that forwards plain HTTP', () => {
  const options: ConnectFrontendOptions = { misdirected: 'explain', forwardsHttp: true };
  const GET = encodeHead('GET http://example.com/ HTTP/1.1', HOST);

  it('hands on every byte of a request that is not CONNECT, and by when its head has to be whole', async () => {
    const { frontend, peer } = await openTunnel(options);
    peer.write(Buffer.concat([GET, encodeText('and more')]));
    const within = limits();
    const http = onlyHttp(await frontend.identify(within));
    expect(Buffer.from(http.clientBytes)).toEqual(Buffer.concat([GET, encodeText('and more')]));
    expect(http).toMatchObject({ isToProxy: true, headDeadline: within.deadline });
    expect(await http.identifyUser(undefined, within.deadline)).toEqual({});
  });

  it('still opens tunnels', async () => {
    const { frontend, peer } = await openTunnel(options);
    peer.write(CONNECT);
    expect((await identifyTunnel(frontend)).destination).toEqual(DESTINATION);
  });

  it('still refuses a head that is out of form', async () => {
    const { reason } = await refuseAfter(encodeHead('GET http://example.com/ HTTP/1.1', HOST, 'X : y'), {}, options);
    expect(reason).toBe('malformed');
  });

  it('has each request show credentials of its own, and says for what', async () => {
    const asked: (string | undefined)[] = [];
    const auth: ConnectAuth = {
      realm: 'here',
      authenticate: (_client, fieldValue) => Promise.resolve(String(asked.push(fieldValue))),
    };
    const { frontend, peer } = await openTunnel({ ...options, auth });
    peer.write(GET);
    const http = onlyHttp(await frontend.identify(limits()));
    expect(asked).toEqual([]);
    expect(http.realm).toBe('here');
    expect(await http.identifyUser('Basic x', Infinity)).toEqual({ user: '1' });
    expect(await http.identifyUser(undefined, Infinity)).toEqual({ user: '2' });
    expect(asked).toEqual(['Basic x', undefined]);
  });
});

/** The other door as far as this one knows it: anything behind the seam. */
class OtherDoor implements Frontend {
  client: Leg | undefined;

  identify(_limits: PrereadLimits, alreadyRead?: Uint8Array): Promise<Identified> {
    return Promise.resolve({ destination: DESTINATION, clientBytes: alreadyRead ?? new Uint8Array() });
  }

  greeting(): Greeting {
    return { bytes: encodeText('established by the other door'), status: undefined };
  }

  establish(): void {
    this.client?.write(encodeText('established by the other door'));
  }

  refuse(error: TunnelError, { id }: RefusedTunnel): number {
    this.client?.close(encodeText(`refused by the other door: ${error.reason} ${id}`));
    return 421;
  }
}

interface Tunnel extends Connection {
  readonly frontend: Frontend;
}

async function openTunnel(options: ConnectFrontendOptions = { misdirected: 'explain' }): Promise<Tunnel> {
  const { peer, leg } = await openConnection();
  return { peer, leg, frontend: createConnectFrontend(leg, options) };
}

async function identifyTunnel(frontend: Frontend, alreadyRead?: Uint8Array): Promise<Identified> {
  const identified = await frontend.identify(limits(), alreadyRead);
  if ('kind' in identified) throw new Error('it is plain HTTP');
  return identified;
}

function onlyHttp(identified: Identified | PlainHttp): PlainHttp {
  if ('kind' in identified) return identified;
  throw new Error('it is a tunnel');
}

async function openMisdirected(): Promise<Tunnel & { other: OtherDoor }> {
  const other = new OtherDoor();
  const misdirected = (client: Leg): Frontend => {
    other.client = client;
    return other;
  };
  return { ...(await openTunnel({ misdirected })), other };
}

/** Sends `bytes`, and refuses the client for what `identify` found: the reply up to the FIN, reason and status. */
async function refuseAfter(
  bytes: Uint8Array,
  bounds: Bounds = {},
  options: ConnectFrontendOptions = { misdirected: 'explain' },
): Promise<Refused> {
  const { frontend, peer } = await openTunnel(options);
  if (bytes.length > 0) peer.write(bytes);
  const error = await errorOf(async () => frontend.identify(limits(bounds)));
  const status = frontend.refuse(error, TUNNEL);
  return { reply: await readReply(peer), reason: error.reason, message: error.message, status };
}

interface Refused {
  readonly reply: string;
  readonly reason: string;
  readonly message: string;
  readonly status: number | undefined;
}

async function errorOf(identify: () => Promise<Identified | PlainHttp>): Promise<TunnelError> {
  const outcome = await identify().catch((error: unknown) => error);
  if (outcome instanceof TunnelError) return outcome;
  throw new Error('identified a client that should be refused', { cause: outcome });
}
