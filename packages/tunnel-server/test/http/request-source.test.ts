import { once } from 'node:events';
import type { Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { LegStream } from '../../src/http/leg-stream.ts';
import { type Arrival, RequestSource, type SourceLimits } from '../../src/http/request-source.ts';
import type { TunnelError } from '../../src/reasons.ts';
import { useConnections } from './connection.ts';

const openConnection = useConnections();

const PATIENT: SourceLimits = {
  headLimitBytes: 16 * 1024,
  headTimeoutMs: 10_000,
  idleTimeoutMs: 10_000,
  lifetimeDeadline: Infinity,
};

interface Source {
  readonly source: RequestSource;
  readonly peer: Socket;
  readonly connection: LegStream;
}

async function openSource(limits: Partial<SourceLimits> = {}): Promise<Source> {
  const { leg, peer } = await openConnection();
  const connection = new LegStream(leg);
  return { source: new RequestSource(connection, { ...PATIENT, ...limits }), peer, connection };
}

function requestOf(arrival: Arrival): Extract<Arrival, { kind: 'request' }> {
  if (arrival.kind !== 'request') throw new Error(`no request, but ${arrival.kind}`);
  return arrival;
}

function errorOf(arrival: Arrival): TunnelError {
  if (arrival.kind !== 'broken') throw new Error(`not broken, but ${arrival.kind}`);
  return arrival.error;
}

/** Answers a request as if it had been forwarded. */
async function answer(arrival: Arrival): Promise<string> {
  const { request, response } = requestOf(arrival);
  const content = await text(request);
  response.end(content);
  await once(response, 'finish');
  return `${request.method ?? ''} ${request.url ?? ''} ${content}`;
}

describe('requests', () => {
  it('come one after the other, however they are pipelined', async () => {
    const { source, peer } = await openSource();
    const put = 'PUT /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntwo';
    peer.write(`GET /1 HTTP/1.1\r\nHost: a\r\n\r\n${put}GET /3 HTTP/1.1\r\nHost: a\r\n\r\n`);
    const seen = [];
    for (let count = 0; count < 3; count += 1) seen.push(await answer(await source.next()));
    expect(seen).toEqual(['GET /1 ', 'PUT /2 two', 'GET /3 ']);
  });

  it('are not read on end while one of them waits', async () => {
    const { source, peer, connection } = await openSource();
    const pipelined = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(100_000);
    peer.write(pipelined);
    await source.next();
    const other = await openConnection();
    other.peer.write('x');
    await other.leg.read(1, Infinity);
    expect(connection.bytesRead).toBeLessThan(pipelined.length / 20);
    peer.destroy();
  });

  it('carry any number of fields', async () => {
    const { source, peer } = await openSource({ headLimitBytes: 64 * 1024 });
    peer.write(`GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(5000)}Host: last\r\n\r\n`);
    const { request } = requestOf(await source.next());
    expect(request.rawHeaders).toHaveLength(10_002);
  });

  it('may expect a 100, which is not for us to send', async () => {
    const { source, peer } = await openSource();
    peer.write('PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n');
    const { response } = requestOf(await source.next());
    response.end('no');
    expect((await once(peer, 'data')).toString()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('may expect what we do not know', async () => {
    const { source, peer } = await openSource();
    peer.write('PUT / HTTP/1.1\r\nHost: a\r\nExpect: the-unexpected\r\n\r\n');
    expect(requestOf(await source.next()).request.method).toBe('PUT');
  });

  it('end when the client does', async () => {
    const { source, peer } = await openSource();
    peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const { request } = requestOf(await source.next());
    peer.end();
    await once(request.socket, 'end');
    expect(await source.next()).toEqual({ kind: 'over' });
  });

  it.each(['end', 'reset'] as const)('end while they are waited for, by %s', async (how) => {
    const { source, peer } = await openSource();
    const next = source.next();
    if (how === 'end') peer.end('GET / HT');
    else peer.resetAndDestroy();
    expect(await next).toEqual({ kind: 'over' });
  });

  it('end with our last words, and what is pipelined behind them is not looked at', async () => {
    const { source, peer } = await openSource();
    peer.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
    await source.next();
    source.close(Buffer.from('no'));
    expect(await source.next()).toEqual({ kind: 'over' });
    expect((await buffer(peer)).toString()).toBe('no');
  });
});

const HEAD = 'POST /x HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

describe('a head or content that two readers could understand differently', () => {
  it.each([
    { what: 'two lengths', sent: `${HEAD}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx` },
    { what: 'a list of lengths', sent: `${HEAD}Content-Length: 1, 1\r\n\r\nx` },
    { what: 'a length with a sign', sent: `${HEAD}Content-Length: +1\r\n\r\nx` },
    { what: 'a length in hexadecimal', sent: `${HEAD}Content-Length: 0x1\r\n\r\nx` },
    { what: 'a length and chunks', sent: `${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n` },
    { what: 'chunks and a length', sent: `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n` },
    { what: 'chunked twice', sent: `${HEAD}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n` },
    { what: 'two Transfer-Encodings', sent: `${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n` },
    { what: 'another last coding', sent: `${HEAD}Transfer-Encoding: chunked, gzip\r\n\r\n` },
    { what: 'a vertical tab before the coding', sent: `${HEAD}Transfer-Encoding: \x0bchunked\r\n\r\n` },
    { what: 'obs-fold', sent: `${HEAD}X: a\r\n b\r\n\r\n` },
    { what: 'a bare LF for a line end', sent: `${HEAD}X: a\nY: b\r\n\r\n` },
    { what: 'a bare LF for every line end', sent: HEAD.replaceAll('\r\n', '\n') },
    { what: 'a bare CR', sent: `${HEAD}X: a\rb\r\n\r\n` },
    { what: 'a NUL', sent: `${HEAD}X: a\0b\r\n\r\n` },
    { what: 'a control character', sent: `${HEAD}X: a\x01b\r\n\r\n` },
    { what: 'a space before the colon', sent: `${HEAD}Content-Length : 1\r\n\r\nx` },
    { what: 'a field without a name', sent: `${HEAD}: x\r\n\r\n` },
    { what: 'a line without a colon', sent: `${HEAD}x\r\n\r\n` },
    { what: 'an unknown version', sent: 'GET /x HTTP/1.2\r\nHost: a\r\n\r\n' },
    { what: 'no HTTP', sent: 'SSH-2.0-OpenSSH_9.9\r\n\r\n' },
    { what: 'the preface of HTTP/2', sent: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
    { what: 'a CONNECT', sent: 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n' },
  ])('is malformed: $what', async ({ sent }) => {
    const { source, peer } = await openSource();
    peer.write(sent, 'latin1');
    expect(errorOf(await source.next()).reason).toBe('malformed');
  });

  it.each([
    { what: 'no known coding', sent: `${HEAD}Transfer-Encoding: xchunked\r\n\r\n` },
    { what: 'a chunk size with a sign', sent: `${CHUNKED}+1\r\na\r\n0\r\n\r\n` },
    { what: 'a chunk size with 0x', sent: `${CHUNKED}0x1\r\na\r\n0\r\n\r\n` },
    { what: 'a chunk size with a space', sent: `${CHUNKED}1 \r\na\r\n0\r\n\r\n` },
    { what: 'a chunk size beyond 64 bits', sent: `${CHUNKED}10000000000000001\r\na\r\n0\r\n\r\n` },
    { what: 'a bare LF behind a chunk size', sent: `${CHUNKED}1\na\r\n0\r\n\r\n` },
    { what: 'a chunk longer than its size', sent: `${CHUNKED}1\r\nabc\r\n0\r\n\r\n` },
  ])('is malformed content of its request: $what', async ({ sent }) => {
    const { source, peer } = await openSource();
    peer.write(sent);
    const { request } = requestOf(await source.next());
    request.resume();
    const error = await new Promise<TunnelError>((resolve) => source.whenBroken(request, resolve));
    expect(error.reason).toBe('malformed');
    expect(source.hasMore).toBe(false);
  });

  it('is told of the request it belongs to, not of one before', async () => {
    const { source, peer } = await openSource();
    peer.write(`${CHUNKED}0\r\n\r\n${CHUNKED}xyz\r\n`);
    const first = requestOf(await source.next());
    source.whenBroken(first.request, () => expect.fail('the first request is whole'));
    await answer(first);
    const { request } = requestOf(await source.next());
    const error = await new Promise<TunnelError>((resolve) => source.whenBroken(request, resolve));
    expect(error.reason).toBe('malformed');
  });

  it('leaves the request before it as it was', async () => {
    const { source, peer } = await openSource();
    peer.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\nHost: a\n\n');
    expect(await answer(await source.next())).toBe('GET /1 ');
    expect(errorOf(await source.next()).reason).toBe('malformed');
  });

  it('is too large beyond its limit', async () => {
    const { source, peer } = await openSource({ headLimitBytes: 1000 });
    peer.write(`${HEAD}X: ${'x'.repeat(1000)}\r\n\r\n`);
    expect(errorOf(await source.next()).reason).toBe('too_large');
  });
});

describe('a client that is waited for', () => {
  it('has until the deadline for its first head', async () => {
    const { source, peer } = await openSource();
    peer.write('GET / HT');
    expect(errorOf(await source.next(performance.now() + 50)).reason).toBe('handshake_timeout');
  });

  it('may be silent for the idle timeout, and no longer', async () => {
    const { source } = await openSource({ idleTimeoutMs: 50, headTimeoutMs: 10 });
    expect(await source.next()).toEqual({ kind: 'over' });
  });

  it('may be silent no longer than its connection may live', async () => {
    const { source } = await openSource({ lifetimeDeadline: performance.now() + 50 });
    expect(await source.next()).toEqual({ kind: 'over' });
  });

  it('must be quick with a later head that began before it was waited for', async () => {
    const { source, peer, connection } = await openSource({ headTimeoutMs: 50 });
    peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const first = await source.next();
    peer.write('GET / HT');
    await once(connection.stream, 'data');
    await answer(first);
    expect(errorOf(await source.next()).reason).toBe('handshake_timeout');
  });

  it('must be quick from the first byte of a later head on', async () => {
    const { source, peer } = await openSource({ headTimeoutMs: 50 });
    const next = source.next();
    peer.write('GET / HT');
    expect(errorOf(await next).reason).toBe('handshake_timeout');
  });
});
