import { once } from 'node:events';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { Exchange, type ExchangeOptions } from '../../src/http/exchange.ts';
import { LegStream } from '../../src/http/leg-stream.ts';
import { RequestSource } from '../../src/http/request-source.ts';
import { TunnelError } from '../../src/reasons.ts';
import { useConnections } from './connection.ts';

const openConnection = useConnections();
const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

interface Stage {
  readonly exchange: Exchange;
  readonly client: Socket;
  readonly origin: Socket;
  readonly upstream: LegStream;
}

/** An exchange between real connections, its request already at the origin. */
async function openExchange(said = REQUEST, options: Partial<ExchangeOptions> = {}): Promise<Stage> {
  const [{ leg, peer: client }, { leg: upstreamLeg, peer: origin }] = [await openConnection(), await openConnection()];
  const connection = new LegStream(leg);
  const limits = { headLimitBytes: 16_384, headTimeoutMs: 5000, idleTimeoutMs: 5000, lifetimeDeadline: Infinity };
  const source = new RequestSource(connection, limits);
  client.write(said);
  const arrival = await source.next();
  if (arrival.kind !== 'request') throw new Error(`no request, but ${arrival.kind}`);
  const upstream = new LegStream(upstreamLeg);
  const { request, response } = arrival;
  const asked = { request, response, originForm: '/', fields: ['Host', 'a'], mayUpgrade: false, isLast: () => false };
  const exchange = new Exchange({ client: connection, upstream, ...asked, ...limits, ...options });
  exchange.answered.catch(() => undefined);
  await once(origin, 'data');
  return { exchange, client, origin, upstream };
}

describe('an exchange', () => {
  it('is done when the client has all of a response, and counts what went up and down', async () => {
    const { exchange, client, origin } = await openExchange();
    const response = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
    origin.end(response);
    expect(await exchange.answered).toEqual({ kind: 'response', status: 200 });
    const result = await exchange.done;
    const sent = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    expect(result).toMatchObject({ end: 'upstream_closed', bytesUp: sent.length, bytesDown: response.length });
    expect(result.firstByteAt).toBeLessThanOrEqual(performance.now());
    expect((await once(client, 'data')).toString()).toMatch(/\r\n\r\nhi$/);
  });

  it('frames content anew that ends with the connection', async () => {
    const { exchange, client, origin } = await openExchange();
    origin.end('HTTP/1.1 200 OK\r\n\r\nall of it');
    await exchange.done;
    client.end();
    expect((await buffer(client)).toString()).toMatch(
      /\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nall of it\r\n0\r\n\r\n$/,
    );
  });

  it('resets the client where such content is cut short by an RST', async () => {
    const { exchange, client, origin, upstream } = await openExchange();
    const wasReset = new Promise((resolve) =>
      client.once('error', () => resolve(true)).once('end', () => resolve(false)),
    );
    origin.write('HTTP/1.1 200 OK\r\n\r\nthe beginning');
    await once(client, 'data');
    // What a leg's stream does when its peer resets. Node's own way to send an RST sends a FIN before it.
    upstream.stream.destroy(new Error('reset'));
    expect(await wasReset).toBe(true);
    expect((await exchange.done).end).toBe('upstream_reset');
  });

  it('tells a client of HTTP/1.0 nothing before the answer', async () => {
    const { exchange, client, origin } = await openExchange('GET / HTTP/1.0\r\n\r\n');
    origin.end('HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n');
    await exchange.done;
    expect((await buffer(client)).toString()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('says that the connection ends, when it does', async () => {
    const { client, origin } = await openExchange(REQUEST, { isLast: () => true });
    origin.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    expect((await buffer(client)).toString()).toMatch(/\r\nConnection: close\r\n/);
  });
});

describe('an exchange that ends before its answer', () => {
  it.each([
    { what: 'a drain', reason: 'drain', act: ({ exchange }: Stage) => exchange.cut('drain') },
    {
      what: 'malformed content',
      reason: 'malformed',
      act: ({ exchange }: Stage) => exchange.fail(new TunnelError('malformed', 'No.')),
    },
    { what: 'the client leaving', reason: 'client_closed', act: ({ client }: Stage) => client.end() },
    { what: 'the client resetting', reason: 'client_closed', act: ({ client }: Stage) => client.resetAndDestroy() },
  ])('by $what has the reason $reason, and leaves the origin', async ({ reason, act }) => {
    const stage = await openExchange();
    act(stage);
    await expect(stage.exchange.answered).rejects.toMatchObject({ reason });
    await once(stage.origin.resume(), 'end');
  });

  it.each([
    { idleTimeoutMs: 100, reason: 'idle' },
    { lifetimeMs: 100, reason: 'lifetime' },
  ])('by $reason has that reason', async ({ idleTimeoutMs = 5000, lifetimeMs = Infinity, reason }) => {
    const lifetimeDeadline = performance.now() + lifetimeMs;
    const { exchange } = await openExchange(REQUEST, { idleTimeoutMs, lifetimeDeadline });
    await expect(exchange.answered).rejects.toMatchObject({ reason });
  });
});

describe('an exchange that ends behind the beginning of its answer', () => {
  it.each(['idle', 'drain'] as const)('resets the client: %s', async (end) => {
    const { exchange, client, origin } = await openExchange(REQUEST, { idleTimeoutMs: end === 'idle' ? 100 : 5000 });
    const wasReset = new Promise((resolve) =>
      client.once('error', () => resolve(true)).once('end', () => resolve(false)),
    );
    origin.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe beginning');
    // An RST in the same breath as data is read as a FIN by the client's libuv.
    await once(client, 'data');
    client.resume();
    if (end === 'drain') exchange.cut(end);
    expect((await exchange.done).end).toBe(end);
    expect(await wasReset).toBe(true);
  });
});
