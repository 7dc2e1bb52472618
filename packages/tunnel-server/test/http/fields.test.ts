import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  countPassages,
  forwardsLeft,
  offeredUpgrade,
  requestFieldsUp,
  responseFieldsDown,
  trailersOf,
} from '../../src/http/fields.ts';

const server = createServer();
let port: number;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port; // A TCP server that listens has one.
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

/** A message as `node:http` makes it of these field lines. */
async function messageOf(
  lines: readonly string[],
  requestLine = 'GET / HTTP/1.1',
  content = '',
): Promise<IncomingMessage> {
  const message = new Promise<IncomingMessage>((resolve) => server.once('request', resolve));
  const socket = connect(port, '127.0.0.1', () => socket.end([requestLine, ...lines, '', content].join('\r\n')));
  return message;
}

/** As lines, to read them better. */
function linesOf(fields: readonly string[]): readonly string[] {
  return Array.from({ length: fields.length / 2 }, (_, at) => `${fields[2 * at] ?? ''}: ${fields[2 * at + 1] ?? ''}`);
}

describe('the fields of a request on its way up', () => {
  it('begin with the Host of the target and end with our own, those in between as they came', async () => {
    const request = await messageOf([
      'Accept: a',
      'Host: other',
      'X-Two: 1',
      'accept: b',
      'X-Two: 2',
      'X-Forwarded-For: c',
    ]);
    expect(linesOf(requestFieldsUp(request, 'example.com'))).toEqual([
      'Host: example.com',
      'Accept: a',
      'X-Two: 1',
      'accept: b',
      'X-Two: 2',
      'X-Forwarded-For: c',
      'Via: 1.1 sallyport',
      'Connection: close',
    ]);
  });

  it.each([
    'Connection: keep-alive',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic YWxpY2U6c2VjcmV0',
    'Proxy-Authenticate: Basic',
    'Trailer: X-Sum',
    'TE: gzip',
    'Upgrade: websocket',
  ])('do without %s', async (line) => {
    const fields = linesOf(requestFieldsUp(await messageOf(['Host: a', line]), 'a'));
    expect(fields).toEqual(['Host: a', 'Via: 1.1 sallyport', 'Connection: close']);
  });

  it('do without whatever Connection names, in any case and in any of its lines', async () => {
    const request = await messageOf([
      'Host: a',
      'Connection: X-one, close',
      'X-One: 1',
      'connection: x-TWO',
      'X-Two: 2',
    ]);
    expect(linesOf(requestFieldsUp(request, 'a'))).toEqual(['Host: a', 'Via: 1.1 sallyport', 'Connection: close']);
  });

  it('keep what says where the message ends, though Connection names it', async () => {
    const lines = ['Host: a', 'Connection: Content-Length, Host', 'Content-Length: 3'];
    const fields = linesOf(requestFieldsUp(await messageOf(lines, 'GET / HTTP/1.1', 'abc'), 'a'));
    expect(fields).toEqual(['Host: a', 'Content-Length: 3', 'Via: 1.1 sallyport', 'Connection: close']);
  });

  it.each([
    { lines: ['Transfer-Encoding: CHUNKED'], requestLine: 'PUT / HTTP/1.1', framing: ['Transfer-Encoding: chunked'] },
    { lines: [], requestLine: 'POST / HTTP/1.1', framing: ['Content-Length: 0'] },
    { lines: [], requestLine: 'DELETE / HTTP/1.1', framing: [] },
  ])('frame a $requestLine with $lines as $framing', async ({ lines, requestLine, framing }) => {
    const request = await messageOf(['Host: a', ...lines], requestLine, '0\r\n\r\n');
    expect(linesOf(requestFieldsUp(request, 'a'))).toEqual([
      'Host: a',
      ...framing,
      'Via: 1.1 sallyport',
      'Connection: close',
    ]);
  });

  it('put us behind the proxies before us', async () => {
    const fields = linesOf(requestFieldsUp(await messageOf(['Host: a', 'Via: 1.0 first'], 'GET / HTTP/1.0'), 'a'));
    expect(fields.filter((line) => line.startsWith('Via'))).toEqual(['Via: 1.0 first', 'Via: 1.0 sallyport']);
  });

  it('say that trailers are welcome where they are', async () => {
    const fields = linesOf(
      requestFieldsUp(await messageOf(['Host: a', 'TE: gzip;q=0.5, trailers', 'Connection: TE']), 'a'),
    );
    expect(fields).toEqual(['Host: a', 'Via: 1.1 sallyport', 'Connection: close, TE', 'TE: trailers']);
  });

  it('pass an offer to change protocols on', async () => {
    const fields = linesOf(
      requestFieldsUp(await messageOf(['Host: a', 'Connection: Upgrade', 'Upgrade: websocket']), 'a'),
    );
    expect(fields).toEqual(['Host: a', 'Via: 1.1 sallyport', 'Upgrade: websocket', 'Connection: upgrade']);
  });

  it('pass Expect on, but not of HTTP/1.0', async () => {
    const expecting = ['Host: a', 'Expect: 100-continue', 'Content-Length: 0'];
    expect(requestFieldsUp(await messageOf(expecting, 'PUT / HTTP/1.0'), 'a')).not.toContain('Expect');
    server.once('checkContinue', (request) => server.emit('request', request));
    expect(requestFieldsUp(await messageOf(expecting, 'PUT / HTTP/1.1'), 'a')).toContain('Expect');
  });

  it.each([
    { method: 'OPTIONS', left: 'Max-Forwards: 6' },
    { method: 'TRACE', left: 'Max-Forwards: 6' },
    { method: 'GET', left: 'Max-Forwards: 7' },
  ])('count the forwards of $method', async ({ method, left }) => {
    const request = await messageOf(['Host: a', 'Max-Forwards: 7'], `${method} / HTTP/1.1`);
    expect(linesOf(requestFieldsUp(request, 'a'))).toContain(left);
    expect(forwardsLeft(request)).toBe(method === 'GET' ? undefined : 7);
  });
});

it('counts how often a request came through our like', async () => {
  const vias = ['Via: 1.0 first, 1.1 sallyport (one)', 'Via: 1.1 other.sallyport', 'Via: HTTP/1.1 sallyport'];
  expect(countPassages(await messageOf(['Host: a', ...vias]))).toBe(2);
  expect(countPassages(await messageOf(['Host: a']))).toBe(0);
});

describe('an offer to change protocols', () => {
  it.each([
    { lines: ['Connection: Upgrade', 'Upgrade: websocket'], offered: 'websocket' },
    { lines: ['Connection: upgrade', 'Upgrade: h2c, foo/1'], offered: 'foo/1' },
    { lines: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'], offered: undefined },
    { lines: ['Upgrade: websocket'], offered: undefined },
    { lines: ['Connection: Upgrade'], offered: undefined },
  ])('of $lines is one of $offered', async ({ lines, offered }) => {
    expect(offeredUpgrade(await messageOf(['Host: a', ...lines]))).toBe(offered);
  });

  it('is none in HTTP/1.0', async () => {
    const request = await messageOf(['Connection: Upgrade', 'Upgrade: websocket'], 'GET / HTTP/1.0');
    expect(offeredUpgrade(request)).toBeUndefined();
  });
});

describe('the fields of a response on its way down', () => {
  it('are those for the client and no hop between', async () => {
    // A request's fields are parsed as a response's are.
    const response = await messageOf(
      [
        'Host: a',
        'Set-Cookie: a',
        'Connection: X-Hop',
        'X-Hop: 1',
        'Proxy-Authenticate: Basic',
        'Upgrade: h2c',
        'Set-Cookie: b',
        'Content-Length: 0',
      ],
      'PUT / HTTP/1.1',
    );
    expect(linesOf(responseFieldsDown(response))).toEqual([
      'Set-Cookie: a',
      'Set-Cookie: b',
      'Content-Length: 0',
      'Via: 1.1 sallyport',
    ]);
  });
});

describe('trailers', () => {
  it('pass but for those that could change the message', async () => {
    const trailers = ['X-Sum: 1', 'Host: b', 'Max-Forwards: 0', 'Proxy-Authorization: Basic x', 'X-More: 2'];
    const chunks = ['0', ...trailers, '', ''].join('\r\n');
    const request = await messageOf(['Host: a', 'Transfer-Encoding: chunked'], 'PUT / HTTP/1.1', chunks);
    await new Promise((resolve) => request.resume().once('end', resolve));
    expect(trailersOf(request)).toEqual([
      ['X-Sum', '1'],
      ['X-More', '2'],
    ]);
  });
});
