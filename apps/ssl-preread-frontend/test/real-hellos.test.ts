/** Hellos that were not made by us, and a reader that was not either. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { connect, type ConnectionOptions } from 'node:tls';
import type { HelloFacts } from '@sallyport/tunnel-server';
import fc from 'fast-check';
import { getExtensionData, readTlsClientHello } from 'read-tls-client-hello';
import { describe, expect, it } from 'vitest';
import { createHelloScan } from '../src/read-hello.ts';
import { isTlsVersion, nameTlsVersion } from '../src/tls-version.ts';
import { damagedHello, goodHello } from './hello-arbitraries.ts';
import { browserHello, record } from './hello-fixtures.ts';

const hasOpenssl = spawnSync('openssl', ['version']).error === undefined;
if (!hasOpenssl) console.warn('SKIPPED: the hello of its command is not read here, for there is no openssl');

describe('the hello of OpenSSL', () => {
  it.each([
    ['with TLS 1.3 as its highest', { maxVersion: 'TLSv1.3' }, 'TLSv1.3'],
    ['with TLS 1.2 as its highest', { maxVersion: 'TLSv1.2' }, 'TLSv1.2'],
  ] as const)('is read %s', async (_how, options, tls) => {
    const bytes = await captureHello((port) => {
      openTls({ port, servername: 'node.example.com', ALPNProtocols: ['h2', 'http/1.1'], ...options });
    });
    expect(createHelloScan()(bytes)).toMatchObject({
      kind: 'hello',
      hello: {
        sni: 'node.example.com',
        alpn: ['h2', 'http/1.1'],
        alpnDropped: 0,
        tls,
        ech: false,
      },
      endsAt: bytes.length,
    });
  });

  it('is read without a name', async () => {
    const bytes = await captureHello((port) => openTls({ port }));
    expect(createHelloScan()(bytes)).toMatchObject({
      kind: 'hello',
      hello: { alpn: [], alpnDropped: 0, tls: 'TLSv1.3', ech: false },
      endsAt: bytes.length,
    });
  });

  it.skipIf(!hasOpenssl)('is read from its own command', async () => {
    const bytes = await captureHello((port) => {
      const options = ['-servername', 'openssl.example.com', '-alpn', 'h2'];
      // It waits for a ServerHello until its connection is closed, and then ends by itself.
      spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...options], { stdio: 'ignore' });
    });
    expect(createHelloScan()(bytes)).toMatchObject({
      kind: 'hello',
      hello: { sni: 'openssl.example.com', alpn: ['h2'], tls: 'TLSv1.3' },
    });
  });
});

describe('an independent reader', () => {
  it('finds in every hello that we accept the same name, protocols and version', async () => {
    const message = fc.oneof(goodHello, damagedHello, fc.constant(browserHello('www.example.com')));
    await fc.assert(
      fc.asyncProperty(message, async (bytes) => {
        const ours = createHelloScan()(record(bytes));
        fc.pre(ours.kind === 'hello' && isReadByBoth(bytes, ours.hello));
        expect({ ...ours.hello, random: 0 }).toEqual(await readIndependently(record(bytes)));
      }),
      { numRuns: 1_000 },
    );
  });
});

/** What a TLS client sends to a server that only listens, until that is a whole hello. */
async function captureHello(start: (port: number) => void): Promise<Uint8Array> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connected = new Promise<Socket>((resolve) => server.once('connection', resolve));
  start(portOf(server.address()));
  const socket = await connected;
  const bytes = await readWhole(socket);
  socket.destroy();
  server.close();
  return bytes;
}

async function readWhole(socket: Socket): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    if (createHelloScan()(Buffer.concat(chunks)).kind !== 'need-more') break;
  }
  return Buffer.concat(chunks);
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return address.port;
}

function openTls(options: ConnectionOptions): void {
  const socket = connect({ host: '127.0.0.1', ...options });
  // Our end is closed before a handshake: that it fails is part of the plan.
  socket.on('error', () => socket.destroy());
}

const SUPPORTED_VERSIONS = 43;

async function readIndependently(bytes: Uint8Array) {
  const theirs = await readTlsClientHello(Readable.from([Buffer.from(bytes)], { objectMode: false }));
  // TLS forbids an extension that is there twice (RFC 8446 §4.2), and the readers take another one of the two.
  fc.pre(theirs.extensions.filter(({ id }) => id === SUPPORTED_VERSIONS).length < 2);
  const sni = getExtensionData(theirs, 'sni')?.serverName?.toLowerCase().replace(/\.$/, '');
  const offered = getExtensionData(theirs, 'supported_versions')?.versions.filter(isTlsVersion) ?? [];
  return {
    ...(sni !== undefined && { sni }),
    // Names without a character, of damaged hellos, are left out by us.
    alpn: getExtensionData(theirs, 'alpn')?.protocols.filter((name) => name !== '') ?? [],
    alpnDropped: 0,
    random: 0,
    tls: nameTlsVersion(offered.length === 0 ? theirs.version : Math.max(...offered)),
    ech: theirs.extensions.some(({ id }) => id === 0xfe0d),
  };
}

/** The other reader wants an extension block, wants the message to fill its record, and takes protocols for ASCII. */
function isReadByBoth(message: Uint8Array, { alpn }: HelloFacts): boolean {
  const bytes = Buffer.from(message);
  const cipherSuitesAt = 4 + 2 + 32 + 1 + bytes.readUInt8(38);
  const compressionAt = cipherSuitesAt + 2 + bytes.readUInt16BE(cipherSuitesAt);
  const extensionsAt = compressionAt + 1 + bytes.readUInt8(compressionAt);
  return /^[ -~]*$/.test(alpn.join()) && extensionsAt < bytes.length && bytes.readUIntBE(1, 3) === bytes.length - 4;
}
