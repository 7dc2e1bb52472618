import { describe, expect, it } from 'vitest';
import { requestContentForm } from '../../src/http/content-form.ts';
import {
  type FieldLine,
  forwardsLeft,
  isKeptAlive,
  offeredUpgrade,
  passingTrailers,
  requestFieldsUp,
  responseFieldsDown,
  switchingFieldsDown,
  takesOffer,
} from '../../src/http/fields.ts';
import { joinedValues, type RequestHead } from '../../src/http/request-head.ts';
import { whyCircular } from '../../src/via.ts';
import { readRequest, readResponse } from './heads.ts';

const OWN_VIA = /^Via: 1\.1 sallyport \([0-9a-f]{12}\)$/;

/** As lines, to read them better. */
function linesOf(fields: readonly FieldLine[]): readonly string[] {
  return fields.map(([name, value]) => `${name}: ${value}`);
}

/** Without the Via of our own, which is never the same. */
function linesUp(request: RequestHead): readonly string[] {
  const form = requestContentForm(request);
  if (form.kind === 'malformed') throw new Error(form.why);
  return linesOf(requestFieldsUp(request, form, 'a')).filter((line) => !OWN_VIA.test(line));
}

const get = (...lines: string[]): RequestHead => readRequest('GET / HTTP/1.1', ...lines);

describe('the fields of a request on its way up', () => {
  it('begin with the Host of the target and end with our own, those in between as they came', () => {
    const request = get('Accept: a', 'Host: other', 'X-Two: 1', 'accept: \xe4\tb', 'X-Two: 2', 'X-Forwarded-For: c');
    expect(linesOf(requestFieldsUp(request, { kind: 'none' }, 'example.com'))).toEqual([
      'Host: example.com',
      'Accept: a',
      'X-Two: 1',
      'accept: \xe4\tb',
      'X-Two: 2',
      'X-Forwarded-For: c',
      expect.stringMatching(OWN_VIA),
      'Connection: close',
    ]);
  });

  it.each([
    'Connection: keep-alive',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic YWxpY2U6c2VjcmV0',
    'Proxy-Authenticate: Basic',
    'TE: gzip',
    'Upgrade: websocket',
  ])('do without %s', (line) => {
    expect(linesUp(get(line))).toEqual(['Host: a', 'Connection: close']);
  });

  it('do without whatever Connection names, in any case and in any of its lines', () => {
    const request = get('Connection: X-one, close', 'X-One: 1', 'connection: x-TWO', 'X-Two: 2');
    expect(linesUp(request)).toEqual(['Host: a', 'Connection: close']);
  });

  it('keep what says where the message ends, though Connection names it', () => {
    const request = get('Connection: Content-Length, Host', 'Content-Length: 3');
    expect(linesUp(request)).toEqual(['Host: a', 'Content-Length: 3', 'Connection: close']);
  });

  it.each([
    { requestLine: 'PUT / HTTP/1.1', lines: ['Transfer-Encoding: CHUNKED'], framing: ['Transfer-Encoding: chunked'] },
    { requestLine: 'POST / HTTP/1.1', lines: [], framing: ['Content-Length: 0'] },
    { requestLine: 'DELETE / HTTP/1.1', lines: [], framing: [] },
  ])('frame a $requestLine with $lines as $framing', ({ requestLine, lines, framing }) => {
    expect(linesUp(readRequest(requestLine, ...lines))).toEqual(['Host: a', ...framing, 'Connection: close']);
  });

  it('put us behind the proxies before us', () => {
    const fields = linesOf(requestFieldsUp(readRequest('GET / HTTP/1.0', 'Via: 1.0 first'), { kind: 'none' }, 'a'));
    expect(fields.filter((line) => line.startsWith('Via'))).toEqual([
      'Via: 1.0 first',
      expect.stringMatching(/^Via: 1\.0 sallyport \([0-9a-f]{12}\)$/),
    ]);
  });

  it('say that trailers are welcome where they are', () => {
    expect(linesUp(get('TE: gzip;q=0.5, trailers', 'Connection: TE'))).toEqual([
      'Host: a',
      'Connection: close, TE',
      'TE: trailers',
    ]);
  });

  it('pass an offer to change protocols on', () => {
    expect(linesUp(get('Connection: Upgrade', 'Upgrade: websocket'))).toEqual([
      'Host: a',
      'Upgrade: websocket',
      'Connection: upgrade',
    ]);
  });

  it('pass Expect on, but not of HTTP/1.0', () => {
    expect(linesUp(readRequest('PUT / HTTP/1.0', 'Expect: 100-continue'))).not.toContain('Expect: 100-continue');
    expect(linesUp(readRequest('PUT / HTTP/1.1', 'Expect: 100-continue'))).toContain('Expect: 100-continue');
  });

  it.each([
    { method: 'OPTIONS', left: 'Max-Forwards: 6' },
    { method: 'TRACE', left: 'Max-Forwards: 6' },
    { method: 'GET', left: 'Max-Forwards: 7' },
  ])('count the forwards of $method', ({ method, left }) => {
    const request = readRequest(`${method} / HTTP/1.1`, 'Max-Forwards: 7');
    expect(linesUp(request)).toContain(left);
    expect(forwardsLeft(request)).toBe(method === 'GET' ? undefined : 7);
  });

  it.each([
    { value: '0'.repeat(20), left: 0, up: undefined },
    { value: `${'0'.repeat(20)}1`, left: 1, up: '0' },
    { value: '99999999999', left: 99_999_999_999, up: '99999999998' },
    // The lesser of what came, less one, and of what we can count (RFC 9110 §7.6.2).
    { value: '9'.repeat(400), left: Number.MAX_SAFE_INTEGER, up: '9007199254740990' },
  ])('count the hops that are left, in however many digits: $value', ({ value, left, up }) => {
    const request = readRequest('TRACE / HTTP/1.1', `Max-Forwards: ${value}`);
    expect(forwardsLeft(request)).toBe(left);
    if (up !== undefined) expect(linesUp(request)).toContain(`Max-Forwards: ${up}`);
  });
});

describe('what Via tells', () => {
  const whyLooping = (...lines: string[]): string | undefined => whyCircular(joinedValues(get(...lines), 'via') ?? '');

  it('is that a request has come through our like too often', () => {
    const often = 'Via: 1.0 first, 1.1 sallyport (one)';
    expect(whyLooping(...Array.from({ length: 7 }, () => often), 'Via: 1.1 other.sallyport')).toBeUndefined();
    expect(whyLooping(...Array.from({ length: 7 }, () => often), 'Via: HTTP/1.1 sallyport')).toMatch(/loop/);
    expect(whyLooping('Via:')).toBeUndefined();
  });

  it('is that it came from this very process', () => {
    const sent = linesOf(requestFieldsUp(get(), { kind: 'none' }, 'a')).find((line) => line.startsWith('Via')) ?? '';
    expect(whyLooping(`${sent}, 1.1 between`)).toMatch(/come back/);
  });
});

describe('an offer to change protocols', () => {
  it.each([
    { lines: ['Connection: Upgrade', 'Upgrade: websocket'], offered: 'websocket' },
    { lines: ['Connection: upgrade', 'Upgrade: h2c, foo/1'], offered: 'foo/1' },
    { lines: ['Connection: upgrade', 'Upgrade: H2C-14, h2c-17, h2, HTTP/2.0'], offered: undefined },
    { lines: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'], offered: undefined },
    { lines: ['Upgrade: websocket'], offered: undefined },
    { lines: ['Connection: Upgrade'], offered: undefined },
  ])('of $lines is one of $offered', ({ lines, offered }) => {
    expect(offeredUpgrade(get(...lines))).toBe(offered);
  });

  it.each([
    { named: ['Upgrade: WebSocket'], isTaken: true },
    { named: ['Upgrade: a/2'], isTaken: true },
    { named: ['Upgrade: TLS/1.0', 'Upgrade: a, HTTP/1.1'], isTaken: true },
    { named: ['Upgrade: b'], isTaken: false },
    { named: ['Upgrade: h2c'], isTaken: false },
    { named: ['Upgrade: a, h2'], isTaken: false },
    { named: ['Upgrade:'], isTaken: false },
    { named: [], isTaken: false },
  ])('is taken by a 101 with $named: $isTaken', ({ named, isTaken }) => {
    const request = get('Connection: Upgrade', 'Upgrade: websocket, h2c, a/1');
    expect(takesOffer(request, readResponse('HTTP/1.1 101 x', ...named, 'Connection: upgrade'))).toBe(isTaken);
  });

  it('is none in HTTP/1.0', () => {
    const request = readRequest('GET / HTTP/1.0', 'Connection: Upgrade', 'Upgrade: websocket');
    expect(offeredUpgrade(request)).toBeUndefined();
  });
});

it.each([
  { request: get(), isKept: true },
  { request: get('Connection: x, Close'), isKept: false },
  { request: get('Proxy-Connection: Close'), isKept: false },
  { request: get('Connection: keep-alive', 'Proxy-Connection: keep-alive'), isKept: true },
  { request: readRequest('GET / HTTP/1.0', 'Connection: keep-alive'), isKept: false },
])('keeps a connection alive or not: $isKept', ({ request, isKept }) => {
  expect(isKeptAlive(request)).toBe(isKept);
});

describe('the fields of a response on its way down', () => {
  it('are those for the client and no hop between', () => {
    const response = readResponse(
      'HTTP/1.1 200 OK',
      'Set-Cookie: a',
      'Connection: X-Hop',
      'X-Hop: 1',
      'Proxy-Authenticate: Basic',
      'Upgrade: h2c',
      'Set-Cookie: b',
      'Content-Length: 07, 07',
    );
    expect(linesOf(responseFieldsDown(response))).toEqual([
      'Set-Cookie: a',
      'Set-Cookie: b',
      'Content-Length: 7',
      'Via: 1.1 sallyport',
    ]);
  });

  it('say when the response came, where it does not say so itself (RFC 9110 §6.6.1)', () => {
    const receivedAt = new Date('1994-11-06T08:49:37Z');
    const date = 'Date: Sun, 06 Nov 1994 08:49:37 GMT';
    const undated = readResponse('HTTP/1.1 200 OK', 'Connection: Date', 'Date: of this hop');
    expect(linesOf(responseFieldsDown(undated, receivedAt))).toEqual([date, 'Via: 1.1 sallyport']);
    const dated = readResponse('HTTP/1.1 200 OK', 'DATE: its own');
    expect(linesOf(responseFieldsDown(dated, receivedAt))).toEqual(['DATE: its own', 'Via: 1.1 sallyport']);
  });

  it.each([103, 204])('name no length in a %i', (status) => {
    const response = readResponse(`HTTP/1.1 ${status} x`, 'Content-Length: 5');
    expect(linesOf(responseFieldsDown(response))).toEqual(['Via: 1.1 sallyport']);
  });

  it('say in a 101 what the connection changes to', () => {
    const response = readResponse('HTTP/1.1 101 x', 'Upgrade: a', 'Connection: upgrade', 'Content-Length: 5');
    expect(linesOf(switchingFieldsDown(response))).toEqual(['Via: 1.1 sallyport', 'Upgrade: a', 'Connection: upgrade']);
  });
});

describe('trailers', () => {
  it('pass but for those that could change the message, or that its Connection names', () => {
    const forbidden = ['Host: b', 'Max-Forwards: 0', 'Proxy-Authorization: Basic x', 'Trailer: X-More'];
    const trailers = get('X-Sum: 1', ...forbidden, 'X-Hop: 1', 'X-More: 2').fields;
    const passing = passingTrailers(get('Connection: x-hop'), trailers);
    expect(passing.map(({ spelling }) => spelling)).toEqual(['X-Sum', 'X-More']);
  });

  it('are announced to the next hop too', () => {
    expect(linesUp(get('Trailer: X-Sum'))).toContain('Trailer: X-Sum');
    expect(linesOf(responseFieldsDown(readResponse('HTTP/1.1 200 OK', 'Trailer: X-Sum')))).toContain('Trailer: X-Sum');
  });
});
