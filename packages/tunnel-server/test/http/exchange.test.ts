import { once } from 'node:events';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { requestContentForm } from '../../src/http/content-form.ts';
import { FramingTurns } from '../../src/http/framing-turns.ts';
import { Exchange, type ExchangeEnd, type ExchangeOptions } from '../../src/http/exchange.ts';
import { Inflow } from '../../src/http/flows.ts';
import { readRequest } from './heads.ts';
import { useConnections } from '../connections.ts';

const openConnection = useConnections();
const HEAD_UP = 'ASKED\r\n\r\n';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const DATE = 'Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n';

interface Stage {
  readonly exchange: Exchange;
  readonly client: Socket;
  readonly origin: Socket;
}

interface Asked extends Partial<ExchangeOptions> {
  readonly requestLine?: string;
  readonly fields?: readonly string[];
  /** Read from the client behind the head. */
  readonly unread?: string;
}

/** An exchange between real connections, its request already at the origin. */
async function openExchange(asked: Asked = {}): Promise<Stage> {
  const { requestLine = 'GET / HTTP/1.1', fields = [], unread = '', ...options } = asked;
  const [{ leg, peer: client }, { leg: upstream, peer: origin }] = [await openConnection(), await openConnection()];
  const request = readRequest(requestLine, ...fields);
  const form = requestContentForm(request);
  if (form.kind === 'malformed') throw new Error(form.why);
  const limits = { idleTimeoutMs: 5000, lifetimeDeadline: Infinity };
  const exchange = new Exchange({
    client: new Inflow(leg, Buffer.from(unread)),
    upstream,
    request,
    form,
    headUp: Buffer.from(HEAD_UP),
    mayUpgrade: false,
    isLast: () => false,
    turns: new FramingTurns(),
    ...limits,
    ...options,
  });
  void exchange.done.then((end) => {
    if (end.kind === 'answered' || end.kind === 'unanswered') leg.close();
  });
  await once(origin, 'readable');
  return { exchange, client, origin };
}

/** What a client hears to an answer of the origin's. */
async function hear(answer: string | Buffer, asked: Asked = {}): Promise<{ heard: string; end: ExchangeEnd }> {
  const { exchange, client, origin } = await openExchange(asked);
  origin.write(answer, 'latin1');
  origin.end();
  const [end, heard] = await Promise.all([exchange.done, buffer(client).catch(() => Buffer.from('RST'))]);
  return { heard: heard.toString('latin1'), end };
}

describe('an exchange', () => {
  it('is done when the client has all of a response, and counts what went up and down', async () => {
    const answer = `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 2\r\n\r\nhi`;
    const { heard, end } = await hear(answer);
    expect(heard).toBe(`HTTP/1.1 200 OK\r\n${DATE}Content-Length: 2\r\nVia: 1.1 sallyport\r\n\r\nhi`);
    const result = { end: 'upstream_closed', bytesUp: HEAD_UP.length, bytesDown: heard.length };
    expect(end).toMatchObject({ kind: 'answered', status: 200, isKept: true, result });
  });

  it('counts what goes up from the first byte on, whether or not it is answered', async () => {
    const { exchange, client, origin } = await openExchange({
      fields: ['Content-Length: 100000'],
      unread: 'x'.repeat(9),
    });
    expect(exchange.counts()).toEqual({ bytesUp: HEAD_UP.length + 9, bytesDown: 0 });
    client.write('y'.repeat(50_000));
    for (let heard = 0; heard < HEAD_UP.length + 50_009;) heard += ((await once(origin, 'data')) as [Buffer])[0].length;
    expect(exchange.counts().bytesUp).toBe(HEAD_UP.length + 50_009);
    origin.end();
    expect(await exchange.done).toMatchObject({ kind: 'unanswered', error: { reason: 'upstream_closed' } });
  });

  it.each([
    { fields: [], connection: 'upgrade' },
    { fields: ['Connection: close'], connection: 'close, upgrade' },
  ])('tells a client with $fields what it is required to change to', async ({ fields, connection }) => {
    const answer = `HTTP/1.1 426 x\r\n${DATE}Upgrade: h2c, a/1\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n`;
    const { heard } = await hear(answer, { fields });
    expect(heard).toContain(`\r\nUpgrade: a/1\r\nConnection: ${connection}\r\n\r\n`);
  });

  it.each([
    { version: '1.1', field: 'Content-Length: 1' },
    { version: '1.0', field: 'Via: 1.0 a' },
  ])('takes chunks for what they are in HTTP/$version beside $field', async ({ version, field }) => {
    const answer = `HTTP/${version} 200 OK\r\n${field}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`;
    const { heard, end } = await hear(answer);
    expect(heard).toMatch(/\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n$/);
    expect(heard).not.toContain('Content-Length');
    expect(end).toMatchObject({ kind: 'answered', isKept: true });
  });

  it('takes identity for no coding, and so keeps the length', async () => {
    const answer = `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi`;
    const { heard } = await hear(answer);
    expect(heard).toBe(`HTTP/1.1 200 OK\r\n${DATE}Content-Length: 2\r\nVia: 1.1 sallyport\r\n\r\nhi`);
  });

  it('frames content anew that ends with the connection', async () => {
    const { heard } = await hear('HTTP/1.1 200 OK\r\n\r\nall of it');
    expect(heard).toMatch(/\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nall of it\r\n0\r\n\r\n$/);
  });

  it('sends a client of HTTP/1.0 the content as it is, and nothing before the answer', async () => {
    const final = `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`;
    const answer = `HTTP/1.1 103 Early Hints\r\n\r\n${final}`;
    const { heard, end } = await hear(answer, { requestLine: 'GET / HTTP/1.0' });
    expect(heard).toBe(`HTTP/1.1 200 OK\r\n${DATE}Via: 1.1 sallyport\r\nConnection: close\r\n\r\nhi`);
    expect(end).toMatchObject({ isKept: false });
  });

  it('passes octets above 0x7f as they are, in fields and in the reason phrase', async () => {
    const { heard } = await hear('HTTP/1.1 200 Gr\xfc\xdfe\r\nX-Name: \xe4\xc3\xa4\tb\r\nContent-Length: 0\r\n\r\n');
    expect(heard).toMatch(/^HTTP\/1\.1 200 Gr\xfc\xdfe\r\nX-Name: \xe4\xc3\xa4\tb\r\n/);
  });

  it('says that the connection ends, when it does', async () => {
    const { heard, end } = await hear('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', { isLast: () => true });
    expect(heard).toMatch(/\r\nConnection: close\r\n\r\n$/);
    expect(end).toMatchObject({ isKept: false });
  });

  it('makes one chunk of many that come together', async () => {
    const { heard } = await hear(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(1000)}0\r\n\r\n`,
    );
    expect(heard).toMatch(/chunked\r\n\r\n3e8\r\nx{1000}\r\n0\r\n\r\n$/);
  });

  it('answers early: while the request is still coming, the connection ends with the answer', async () => {
    const { exchange, client, origin } = await openExchange({ fields: ['Content-Length: 1000000'] });
    origin.end('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno');
    expect(await exchange.done).toMatchObject({ kind: 'answered', status: 413, isKept: false });
    expect((await buffer(client)).toString()).toMatch(/^HTTP\/1\.1 413 [^]*\r\nConnection: close\r\n\r\nno$/);
  });
});

describe('a response with more behind it', () => {
  const length = `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 5\r\n\r\nwhole`;
  it.each([
    { what: 'its length', answer: length, method: 'GET' },
    {
      what: 'its last chunk',
      answer: `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n`,
      method: 'GET',
    },
    {
      what: 'the head that a HEAD asks for',
      answer: `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 5\r\n\r\n`,
      method: 'HEAD',
    },
    { what: 'a 204', answer: `HTTP/1.1 204 No\r\n${DATE}\r\n`, method: 'GET' },
    { what: 'a 304', answer: `HTTP/1.1 304 No\r\n${DATE}Content-Length: 5\r\n\r\n`, method: 'GET' },
  ])('is delivered whole, and what comes behind $what is dropped', async ({ answer, method }) => {
    const whole = await hear(answer, { requestLine: `${method} / HTTP/1.1` });
    const { heard, end } = await hear(`${answer}junk`, { requestLine: `${method} / HTTP/1.1` });
    expect(heard).toBe(whole.heard);
    expect(end).toMatchObject({ kind: 'answered', result: { end: 'upstream_closed' } });
    expect(end).toHaveProperty('remark');
    expect(whole.end).not.toHaveProperty('remark');
  });
});

describe('interim responses', () => {
  const interim = 'HTTP/1.1 103 Early Hints\r\nLink: a\r\nContent-Length: 5\r\n\r\n';
  const final = `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 0\r\n\r\n`;

  it('pass, but for the length that none has', async () => {
    const { heard } = await hear(interim.repeat(10) + final);
    expect(heard).toBe(
      'HTTP/1.1 103 Early Hints\r\nLink: a\r\nVia: 1.1 sallyport\r\n\r\n'.repeat(10) +
        `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 0\r\nVia: 1.1 sallyport\r\n\r\n`,
    );
  });

  it('are no more than ten', async () => {
    const { end } = await hear(interim.repeat(11) + final);
    expect(end).toMatchObject({ kind: 'unanswered', error: { reason: 'bad_response' } });
  });

  it('wait for a client that does not read', async () => {
    const { exchange, client, origin } = await openExchange();
    client.pause();
    const large = `HTTP/1.1 103 Early Hints\r\nX: ${'x'.repeat(60_000)}\r\n\r\n`;
    for (let count = 0; count < 10; count += 1) origin.write(large);
    origin.end(final);
    const heard = await buffer(client.resume());
    expect(heard.length).toBeGreaterThan(10 * large.length);
    expect(await exchange.done).toMatchObject({ kind: 'answered', status: 200 });
  });
});

describe('an answer that is malformed', () => {
  it.each([
    { why: 'its status line', answer: 'HTTP/1.1 OK\r\n\r\n' },
    { why: 'does not begin with HTTP', answer: 'SSH-2.0-x' },
    { why: 'a protocol that was not asked', answer: 'HTTP/1.1 101 No\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n' },
    { why: 'not chunked and nothing else', answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n' },
    {
      why: 'two different Content-Length',
      answer: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    },
    { why: 'control character', answer: 'HTTP/1.1 103 a\0b\r\n\r\n' },
    { why: 'its status line', answer: 'HTTP/1.1 200 a\x1bb\r\n\r\n' },
    { why: 'larger than 65536', answer: `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n` },
    { why: 'in the middle of its head', answer: 'HTTP/1.1 200 OK\r\nX' },
  ])('says why: $why', async ({ answer, why }) => {
    const { end } = await hear(answer);
    expect(end).toMatchObject({ kind: 'unanswered', error: { reason: 'bad_response' } });
    expect(end.kind === 'unanswered' && end.error.message).toContain(why);
  });

  it.each([
    { why: 'in the middle of its content', answer: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi' },
    { why: 'in the middle of its content', answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n' },
    { why: 'not a hexadecimal number', answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n' },
  ])('resets the client where it has begun, and is never upstream_closed: $why', async ({ answer, why }) => {
    const { exchange, client, origin } = await openExchange();
    const wasReset = new Promise((resolve) => client.on('error', () => resolve(true)).on('end', () => resolve(false)));
    const [head = '', content = ''] = answer.split(/(?<=\r\n\r\n)/, 2);
    origin.write(head);
    // An RST in the same breath as data is read as a FIN by the client's libuv.
    await once(client, 'data');
    client.resume();
    origin.end(content);
    const end = await exchange.done;
    expect(end).toMatchObject({ kind: 'broken', status: 200, error: { reason: 'bad_response' } });
    expect(end.kind === 'broken' && end.error.message).toContain(why);
    expect(await wasReset).toBe(true);
  });
});

describe('a change of protocols', () => {
  const upgrade = { mayUpgrade: true, fields: ['Connection: upgrade', 'Upgrade: x'] };
  const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';

  it('gives back every byte that was read, from either side', async () => {
    const { exchange, origin } = await openExchange({ ...upgrade, unread: 'frame of the client' });
    origin.write(`${switching}frame of the origin`);
    const end = await exchange.done;
    expect(end).toMatchObject({ kind: 'switched', head: { status: 101 } });
    expect(end.kind === 'switched' && Buffer.from(end.upstreamBytes).toString()).toBe('frame of the origin');
    expect(exchange.counts()).toEqual({ bytesUp: 0, bytesDown: 0 });
  });

  it('comes behind the content of the request', async () => {
    const { exchange, client, origin } = await openExchange({
      ...upgrade,
      fields: [...upgrade.fields, 'Content-Length: 4'],
      unread: 'ab',
    });
    let heard = '';
    origin.on('data', (bytes: Buffer) => (heard += bytes.toString()));
    origin.write(switching);
    client.write('cdframe');
    expect(await exchange.done).toMatchObject({ kind: 'switched' });
    await expect.poll(() => heard).toMatch(/abcd$/);
  });
});

describe('an exchange that ends before its answer', () => {
  it.each([
    { what: 'a drain', reason: 'drain', act: ({ exchange }: Stage) => exchange.cut('drain') },
    { what: 'malformed content', reason: 'malformed', act: ({ client }: Stage) => client.write('xyz\r\n') },
    { what: 'the client leaving', reason: 'client_closed', act: ({ client }: Stage) => client.end() },
    { what: 'the client resetting', reason: 'client_closed', act: ({ client }: Stage) => client.resetAndDestroy() },
  ])('by $what has the reason $reason, and leaves the origin', async ({ reason, act }) => {
    const stage = await openExchange({ fields: ['Transfer-Encoding: chunked'] });
    act(stage);
    expect(await stage.exchange.done).toMatchObject({ kind: 'unanswered', error: { reason } });
    await once(stage.origin.resume(), 'end');
  });

  it.each([
    { idleTimeoutMs: 100, reason: 'idle' },
    { lifetimeMs: 100, reason: 'lifetime' },
  ])('by $reason has that reason', async ({ idleTimeoutMs = 5000, lifetimeMs = Infinity, reason }) => {
    const lifetimeDeadline = performance.now() + lifetimeMs;
    const { exchange } = await openExchange({ idleTimeoutMs, lifetimeDeadline });
    expect(await exchange.done).toMatchObject({ kind: 'unanswered', error: { reason } });
  });
});

describe('an exchange that ends at idle with half of its request', () => {
  const late = { reason: 'idle', status: 408 };
  const unanswered = { reason: 'idle', status: undefined };

  it.each([
    { what: 'the client sends no more', unread: 'hel', error: late },
    { what: 'the client sends no content', unread: '', error: late },
    {
      what: 'the client sends no more, and expected a 100',
      fields: ['Expect: 100-continue'],
      unread: 'hel',
      error: late,
    },
    { what: 'no 100 comes', fields: ['Expect: 100-continue'], unread: '', error: unanswered },
    { what: 'a 100 has come', fields: ['Expect: 100-continue'], unread: '', interim: CONTINUE, error: late },
    {
      what: 'HTTP/1.0 knows no 100',
      requestLine: 'PUT / HTTP/1.0',
      fields: ['Expect: 100-continue'],
      unread: '',
      error: late,
    },
    { what: 'a parent is not at fault', unread: 'hel', forwarder: 'corp', error: late },
  ])('says whose fault it is: $what', async ({ fields = [], interim = '', error, ...asked }) => {
    const { exchange, origin } = await openExchange({
      ...asked,
      fields: [...fields, 'Content-Length: 5'],
      idleTimeoutMs: interim === '' ? 100 : 2000,
    });
    origin.write(interim);
    expect(await exchange.done).toMatchObject({ kind: 'unanswered', error });
  });
});

describe('an exchange that ends behind the beginning of its answer', () => {
  it.each(['idle', 'drain'] as const)('resets the client: %s', async (end) => {
    const { exchange, client, origin } = await openExchange({ idleTimeoutMs: end === 'idle' ? 100 : 5000 });
    const wasReset = new Promise((resolve) =>
      client.once('error', () => resolve(true)).once('end', () => resolve(false)),
    );
    origin.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe beginning');
    await once(client, 'data');
    client.resume();
    if (end === 'drain') exchange.cut(end);
    expect(await exchange.done).toMatchObject({ kind: 'answered', status: 200, result: { end } });
    expect(await wasReset).toBe(true);
  });
});
