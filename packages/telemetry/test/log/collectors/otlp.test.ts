import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { OtlpCourier } from '../../../src/log/collectors/otlp-courier.ts';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

const LINE =
  '{"level":"info","time":"2026-11-28T12:00:00.123Z","seq":7,"id":"a-1","port":443,"ech":false,"alpn":["h2"],"connect_ms":1.5,"err":{"type":"E"},"msg":"tunnel"}';

interface Asked {
  readonly request: IncomingMessage;
  readonly body: unknown;
}

/** A collector that answers as a test says. */
async function listen(answer: (response: ServerResponse, request: number) => void) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      asked.push({ request, body: JSON.parse(body) as unknown });
      answer(response, asked.length);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { asked, port: (server.address() as AddressInfo).port, server };
}

function open(endpoint: string): OtlpCourier {
  const courier = new OtlpCourier({ endpoint, headers: { authorization: 'Bearer secret' } });
  closers.push(() => courier.close());
  return courier;
}

const taken = (response: ServerResponse): void => void response.writeHead(200).end('{}');

describe('an OTLP collector', () => {
  it('gets log records with severity, time, body and attributes', async () => {
    const { asked, port } = await listen(taken);
    expect(await open(`http://127.0.0.1:${port}`).deliver([LINE, LINE])).toEqual({ kind: 'taken' });

    const [{ request, body } = { request: undefined, body: undefined }] = asked;
    expect(request?.url).toBe('/v1/logs');
    expect(request?.headers).toMatchObject({ authorization: 'Bearer secret', 'content-type': 'application/json' });
    const record = {
      timeUnixNano: '1795867200123000000',
      observedTimeUnixNano: '1795867200123000000',
      severityNumber: 9,
      severityText: 'info',
      body: { stringValue: 'tunnel' },
      attributes: [
        { key: 'seq', value: { intValue: '7' } },
        { key: 'id', value: { stringValue: 'a-1' } },
        { key: 'port', value: { intValue: '443' } },
        { key: 'ech', value: { boolValue: false } },
        { key: 'alpn', value: { arrayValue: { values: [{ stringValue: 'h2' }] } } },
        { key: 'connect_ms', value: { doubleValue: 1.5 } },
        { key: 'err', value: { kvlistValue: { values: [{ key: 'type', value: { stringValue: 'E' } }] } } },
      ],
    };
    expect(body).toMatchObject({
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'sallyport' } }, {}, {}] },
          scopeLogs: [{ scope: { name: 'sallyport' }, logRecords: [record, record] }],
        },
      ],
    });
  });

  it.each([
    { endpoint: '/', path: '/v1/logs' },
    { endpoint: '/otlp/', path: '/otlp/v1/logs' },
    { endpoint: '/otlp/v1/logs', path: '/otlp/v1/logs' },
    { endpoint: '/otlp/v1/logs/', path: '/otlp/v1/logs' },
  ])('at the endpoint $endpoint is asked for $path', async ({ endpoint, path }) => {
    const { asked, port } = await listen(taken);
    await open(`http://127.0.0.1:${port}${endpoint}`).deliver([LINE]);
    expect(asked[0]?.request.url).toBe(path);
  });

  it.each([
    { status: 503, headers: { 'retry-after': '2' }, delivery: { kind: 'failed', retryAfterMs: 2_000 } },
    { status: 429, headers: { 'retry-after': '9999' }, delivery: { kind: 'failed', retryAfterMs: 60_000 } },
    { status: 503, headers: { 'retry-after': '0' }, delivery: { kind: 'failed', retryAfterMs: 1_000 } },
    {
      status: 503,
      headers: { 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT' },
      delivery: { kind: 'failed', retryAfterMs: 1_000 },
    },
    { status: 502, headers: {}, delivery: { kind: 'failed', retryAfterMs: undefined } },
    { status: 202, headers: {}, delivery: { kind: 'taken' } },
    { status: 204, headers: {}, delivery: { kind: 'taken' } },
    { status: 400, headers: {}, delivery: { kind: 'rejected', lines: 1, detail: 'it answers 400' } },
    { status: 401, headers: {}, delivery: { kind: 'rejected', lines: 1, detail: 'it answers 401' } },
    { status: 301, headers: { location: '/' }, delivery: { kind: 'rejected', lines: 1 } },
  ])('that answers $status has $delivery.kind', async ({ status, headers, delivery }) => {
    const { port } = await listen((response) => void response.writeHead(status, headers).end('no'));
    expect(await open(`http://127.0.0.1:${port}`).deliver([LINE])).toMatchObject(delivery);
  });

  it('may take some lines and reject others', async () => {
    const partial = '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}}';
    const { port } = await listen((response) => void response.writeHead(200).end(partial));
    const delivery = await open(`http://127.0.0.1:${port}`).deliver([LINE, LINE]);
    expect(delivery).toMatchObject({ kind: 'rejected', lines: 1 });
  });

  it('cannot reject more lines than it got', async () => {
    const partial = '{"partialSuccess":{"rejectedLogRecords":"99999999999999999999"}}';
    const { port } = await listen((response) => void response.writeHead(200).end(partial));
    const delivery = await open(`http://127.0.0.1:${port}`).deliver([LINE, LINE]);
    expect(delivery).toMatchObject({ kind: 'rejected', lines: 2 });
  });

  it('that would speak another protocol has rejected the lines', async () => {
    const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
    const { port } = await listen(({ socket }) => void socket?.write(switching));
    const delivery = await open(`http://127.0.0.1:${port}`).deliver([LINE]);
    expect(delivery).toEqual({ kind: 'rejected', lines: 1, detail: 'it answers 101' });
  });

  it('that closed an idle connection is asked again at once', async () => {
    const { asked, port } = await listen((response, request) => {
      if (request === 2) response.destroy();
      else taken(response);
    });
    const courier = open(`http://127.0.0.1:${port}`);
    await courier.deliver([LINE]);
    expect(await courier.deliver([LINE])).toEqual({ kind: 'taken' });
    expect(asked).toHaveLength(3);
  });

  it('that is left while it has lines on a used connection does not get them again', async () => {
    const { asked, port } = await listen((response, request) => {
      if (request === 1) taken(response);
    });
    const courier = open(`http://127.0.0.1:${port}`);
    await courier.deliver([LINE]);
    const delivery = courier.deliver([LINE]);
    await expect.poll(() => asked).toHaveLength(2);
    courier.close();
    expect(await delivery).toMatchObject({ kind: 'failed' });
    expect(asked).toHaveLength(2);
  });

  it('that is not there is told why', async () => {
    const { port, server } = await listen(taken);
    server.close();
    await once(server, 'close');
    const delivery = await open(`http://127.0.0.1:${port}`).deliver([LINE]);
    expect(delivery).toMatchObject({ kind: 'failed', detail: expect.stringContaining('ECONNREFUSED') as unknown });
  });
});
