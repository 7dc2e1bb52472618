import { encodeAlert, TunnelError } from '@sallyport/tunnel-server';
import { describe, expect, it } from 'vitest';
import { createSslPrereadFrontend } from '../src/frontend.ts';
import { deadlineIn } from '../../../packages/tunnel-server/test/connections.ts';
import { FALLBACK, identified, LIMIT_BYTES, openFrontend, OPTIONS, refuse, TUNNEL } from './frontend-fixture.ts';
import {
  browserHello,
  encryptedClientHello,
  hello,
  join,
  padding,
  record,
  recordsCutAt,
  serverName,
  sslv2Hello,
  uint24,
} from './hello-fixtures.ts';

const { visit, identify } = openFrontend();

describe('a ClientHello of an intercepted client', () => {
  const ORIGINAL = { host: '2001:db8::7', port: 8443 };

  /** As a listener does that intercepts: the portable transport's own would need netfilter. */
  const identifyIntercepted = async (bytes: Uint8Array, options: Partial<typeof OPTIONS> = {}) => {
    const { leg: client, peer } = await visit();
    peer.write(bytes);
    const intercepted = Object.assign(client, { original: ORIGINAL });
    const limits = { prereadLimitBytes: LIMIT_BYTES, deadline: deadlineIn() };
    return createSslPrereadFrontend(intercepted, { ...OPTIONS, ...options }).identify(limits);
  };

  it('goes to its name, at the port that the client chose', async () => {
    const outcome = await identifyIntercepted(record(hello(serverName('a.example'))));
    expect(outcome).toMatchObject({ destination: { kind: 'name', host: 'a.example', port: 8443 }, original: ORIGINAL });
  });

  it('goes where the client was going when it has no name and the door lets it', async () => {
    const outcome = await identifyIntercepted(record(hello(padding(1))), { withoutSni: { kind: 'original' } });
    expect(outcome).toMatchObject({ destination: { kind: 'address', host: '2001:db8::7', port: 8443 } });
  });

  it('goes to the destination set for it, which is not derived from where the client was going', async () => {
    const withoutSni = { kind: 'destination', destination: FALLBACK } as const;
    const outcome = await identifyIntercepted(record(hello(padding(1))), { withoutSni });
    expect(outcome).toMatchObject({ destination: FALLBACK, original: undefined });
  });

  it('is refused without a name otherwise', async () => {
    await expect(identifyIntercepted(record(hello(padding(1))))).rejects.toMatchObject({ reason: 'no_sni' });
  });
});

describe('clients like this one', () => {
  const good = record(browserHello('www.example.com'));
  const random = Buffer.from(Array.from({ length: 32 }, (_, at) => at * 7 + 1));
  const withRandom = (bytes: Uint8Array) => Buffer.concat([bytes.subarray(0, 11), random, bytes.subarray(43)]);

  it('send a hello that differs in what is not read, and are told by their random', async () => {
    const bytes = withRandom(good);
    const first = await identify(bytes);
    const likeness = first.frontend.likeness?.();
    if (likeness?.randomOf === undefined || likeness.nonce === undefined) throw new Error('no client is like it');
    const { nonce, opening } = likeness;
    expect(likeness.isSentUp).toBe(true);
    expect(Buffer.from(opening.bytes)).toEqual(bytes);
    expect([...opening.mask.subarray(11, 43)]).toEqual([...Buffer.alloc(32)]);

    const other = bytes.map((byte, at) => (opening.mask[at] === 0 ? byte ^ 0x5a : byte));
    const { hello, destination } = identified(await identify(other));
    const helloOfOther = { ...likeness.identified.hello, random: likeness.randomOf(at(other, nonce)) };
    expect({ hello, destination }).toEqual({ hello: helloOfOther, destination: likeness.identified.destination });
    expect(hello?.random).not.toBe(likeness.identified.hello?.random);
  });

  it('send the same random where that was made by hand, and have no nonce', async () => {
    const { frontend } = await identify(good);
    const likeness = frontend.likeness?.();
    expect(likeness).toMatchObject({ isSentUp: true });
    expect([likeness?.nonce, likeness?.randomOf]).toEqual([undefined, undefined]);
    expect([...(likeness?.opening.mask.subarray(31, 43) ?? [])]).toEqual([...Buffer.alloc(12, 0xff)]);
  });

  it.each([
    ['whose hello has bytes behind it', join(good, 'early')],
    ['whose hello is in two records', recordsCutAt(hello(serverName('a.example')), [50])],
  ])('are not told of a client %s', async (_what, bytes) => {
    const identification = await identify(bytes);
    expect(identified(identification).destination.kind).toBe('name');
    expect(identification.frontend.likeness?.()).toBeUndefined();
  });

  it('are not told of a hello of SSL 2.0', async () => {
    const { frontend, outcome } = await identify(sslv2Hello(), {
      withoutSni: { kind: 'destination', destination: FALLBACK },
    });
    expect(outcome).toMatchObject({ destination: FALLBACK });
    expect(frontend.likeness?.()).toBeUndefined();
  });

  const at = (bytes: Uint8Array, place: { readonly at: number; readonly length: number }): Uint8Array =>
    bytes.subarray(place.at, place.at + place.length);
});

describe('a ClientHello with a name', () => {
  it('goes to that name, at the port of the door, byte for byte', async () => {
    const bytes = record(browserHello('WWW.example.com.'));
    const identification = await identify(bytes, { port: 8443 });

    expect(identified(identification)).toEqual({
      destination: { kind: 'name', host: 'www.example.com', port: 8443 },
      clientBytes: bytes,
      hello: {
        sni: 'www.example.com',
        alpn: ['h2', 'http/1.1'],
        alpnDropped: 0,
        tls: 'TLSv1.3',
        ech: true,
        random: 0,
      },
    });
  });

  it('leaves early data that came with it to be read next', async () => {
    const [first, early] = [record(hello(serverName('a.example'))), record(join('early data'), { type: 23 })];
    const identification = await identify(join(first, early));
    expect(identified(identification).clientBytes).toEqual(first);
    expect(await identification.leg.read(LIMIT_BYTES, deadlineIn())).toEqual(new Uint8Array(early));
  });

  it('may have been read in part by another door', async () => {
    const bytes = record(browserHello('a.example'));
    const { leg: client, peer } = await visit();
    peer.write(bytes.subarray(700));

    const limits = { prereadLimitBytes: LIMIT_BYTES, deadline: deadlineIn() };
    const outcome = await createSslPrereadFrontend(client, OPTIONS).identify(limits, bytes.subarray(0, 700));

    expect(outcome).toMatchObject({ destination: { host: 'a.example' } });
    expect(Buffer.from(outcome.clientBytes)).toEqual(bytes);
  });

  it('is not spoken to when its tunnel is up', async () => {
    const { frontend, leg: client, reply } = await identify(record(hello(serverName('a.example'))));
    frontend.establish();
    client.close();

    expect(await reply).toHaveLength(0);
  });
});

describe('a ClientHello without a name', () => {
  const nameless = [
    ['TLS', record(hello(padding(1)))],
    ['SSL 2.0', sslv2Hello()],
    ['TLS with an address for a name', record(hello(serverName('192.0.2.1')))],
  ] as const;

  it.each(nameless)('is refused with missing_extension (%s)', async (_form, bytes) => {
    const identification = await identify(bytes);
    expect(await refuse(identification)).toEqual({
      reason: 'no_sni',
      status: undefined,
      said: Buffer.from(encodeAlert('missing_extension')),
    });
  });

  it.each(nameless)('goes to the destination set for it, byte for byte (%s)', async (_form, bytes) => {
    const identification = await identify(bytes, { withoutSni: { kind: 'destination', destination: FALLBACK } });
    expect(identified(identification)).toMatchObject({ destination: FALLBACK, clientBytes: bytes });
  });

  it('has its address said, where it has one', async () => {
    const { outcome } = await identify(record(hello(serverName('2001:db8::1'))));
    expect(outcome).toMatchObject({
      reason: 'no_sni',
      message: 'The ClientHello has the IP address 2001:db8::1 in place of a server name.',
    });
  });

  it('leaves its facts in the refusal, for the log', async () => {
    const { outcome } = await identify(sslv2Hello({ version: 0x0301 }));
    expect(outcome).toMatchObject({ reason: 'no_sni', hello: { tls: 'TLSv1.0', alpn: [], ech: false } });
  });
});

describe('a ClientHello with encrypted_client_hello', () => {
  it('is refused with access_denied where the door denies it, name or not', async () => {
    for (const extensions of [[encryptedClientHello(), serverName('a.example')], [encryptedClientHello()]]) {
      const identification = await identify(record(hello(...extensions)), { ech: 'deny' });
      expect(identification.outcome).toMatchObject({ hello: { ech: true } });
      const { reason, said } = await refuse(identification);
      expect({ reason, said }).toEqual({ reason: 'ech', said: Buffer.from(encodeAlert('access_denied')) });
    }
  });
});

describe('a ClientHello that is none', () => {
  it.each([
    ['a spelling of an address for a name', record(hello(serverName('127.1')))],
    ['two names', record(hello(serverName('a.example'), serverName('b.example')))],
    ['major version 4', Uint8Array.of(0x16, 0x04, 0x10, 0x00, 0x00)],
    ['an empty record', record(new Uint8Array())],
  ])('is refused with decode_error: %s', async (_what, bytes) => {
    const { reason, said } = await refuse(await identify(bytes));
    expect({ reason, said }).toEqual({ reason: 'malformed', said: Buffer.from(encodeAlert('decode_error')) });
  });
});

describe('the limit', () => {
  const bytes = record(hello(serverName('a.example'), padding(300)));

  it('lets a hello of exactly its size pass, and leaves what comes behind for the tunnel', async () => {
    const identification = await identify(join(bytes, 'early'), {}, { prereadLimitBytes: bytes.length });

    expect(identified(identification)).toMatchObject({ clientBytes: bytes });
    expect(Buffer.from(await identification.leg.read(100, deadlineIn())).toString()).toBe('early');
  });

  it('refuses a hello of one byte more with decode_error', async () => {
    const { reason, said } = await refuse(await identify(bytes, {}, { prereadLimitBytes: bytes.length - 1 }));
    expect({ reason, said }).toEqual({ reason: 'too_large', said: Buffer.from(encodeAlert('decode_error')) });
  });

  it('refuses a hello that only announces 16 MiB, without waiting for them', async () => {
    const { outcome } = await identify(record(join(1, uint24(0xffffff)), { length: 2 ** 14 }));
    expect(outcome).toMatchObject({ reason: 'too_large' });
  });

  it('counts record headers: endless records of one byte come to an end', async () => {
    const tiny = join(...Array.from(hello(padding(4_000)), (byte) => record(Uint8Array.of(byte))));
    const { outcome } = await identify(tiny);
    expect(outcome).toMatchObject({ reason: 'too_large' });
  });
});

describe('the deadline', () => {
  it.each([
    ['says nothing', ''],
    ['stops inside its hello', record(hello(serverName('a.example'))).subarray(0, 30)],
    ['stops inside a method', 'CONN'],
    ['stops inside a request line', 'GET /'],
  ])('closes on a client that %s, without a word', async (_what, bytes) => {
    const identification = await identify(bytes, {}, { deadline: deadlineIn(100) });
    const { reason, said } = await refuse(identification);
    expect({ reason, said: said.length }).toEqual({ reason: 'handshake_timeout', said: 0 });
  });
});

it.each(['FIN', 'RST'])('a client that leaves with a %s inside its hello is client_closed', async (how) => {
  const { leg: client, peer } = await visit();
  const identifying = createSslPrereadFrontend(client, OPTIONS).identify({
    prereadLimitBytes: LIMIT_BYTES,
    deadline: deadlineIn(),
  });
  peer.write(record(hello(serverName('a.example'))).subarray(0, 30), () => {
    if (how === 'FIN') peer.end();
    else peer.resetAndDestroy();
  });
  await expect(identifying).rejects.toMatchObject({ reason: 'client_closed' });
});

it.each(['FIN', 'RST'])('a connection that is closed with a %s and without a word is a probe', async (how) => {
  const { leg: client, peer } = await visit();
  const limits = { prereadLimitBytes: LIMIT_BYTES, deadline: deadlineIn() };
  const identifying = createSslPrereadFrontend(client, OPTIONS).identify(limits);
  if (how === 'FIN') peer.end();
  else peer.resetAndDestroy();
  await expect(identifying).rejects.toMatchObject({ reason: 'probe' });
});

describe('a refusal', () => {
  it('is an alert also before anything was read', async () => {
    const { leg: client, reply } = await visit();
    const status = createSslPrereadFrontend(client, OPTIONS).refuse(new TunnelError('client_limit', 'No.'), TUNNEL);

    expect({ status, said: await reply }).toEqual({
      status: undefined,
      said: Buffer.from(encodeAlert('internal_error')),
    });
  });

  it('is an alert for an identified client that policy denies', async () => {
    const { frontend, reply } = await identify(record(hello(serverName('a.example'))));
    frontend.refuse(new TunnelError('policy', 'No.'), TUNNEL);

    expect(await reply).toEqual(Buffer.from(encodeAlert('access_denied')));
  });

  it('only closes once the tunnel was said to be up', async () => {
    const { frontend, reply } = await identify(record(hello(serverName('a.example'))));
    frontend.establish();
    frontend.refuse(new TunnelError('internal', 'No.'), TUNNEL);

    expect(await reply).toHaveLength(0);
  });
});
