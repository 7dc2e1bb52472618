/** Collectors of the log: rsyslog over TLS, and one for OpenTelemetry that the test writes. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../e2e/harness/certificates.ts';
import { configText } from '../e2e/harness/config-text.ts';
import { echoOrigin, openTunnel, type Origin } from '../e2e/harness/peers.ts';
import { type Running, startSallyport } from '../e2e/harness/sallyport.ts';
import { type Rsyslog, startRsyslog, whyNoRsyslog } from './rsyslog.ts';

const PATIENT = { timeout: 15_000 };
let echo: Origin;
let proxy: Running;

beforeAll(async () => void (echo = await echoOrigin()));
afterAll(() => echo.close());
afterEach(() => proxy.stop());

/** A tunnel from its opening to its one line. */
async function makeTunnel(): Promise<void> {
  const from = proxy.lines.length;
  const client = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
  client.socket.end();
  await client.ended();
  await proxy.line({ msg: 'tunnel' }, from);
}

const numbers = (lines: readonly { readonly seq?: unknown }[]): readonly number[] =>
  lines.map(({ seq }) => Number(seq));
const messageOf = (frame: string): { seq: number } =>
  JSON.parse(frame.slice(frame.indexOf('{"level"'))) as { seq: number };

const obstacle = whyNoRsyslog();
if (obstacle !== undefined) console.warn(`SKIPPED: log.syslog is held against no real collector, for ${obstacle}`);

describe.skipIf(obstacle !== undefined)('rsyslog over TLS', () => {
  const certificates = makeCertificates(['localhost']);
  let rsyslog: Rsyslog;

  beforeAll(async () => void (rsyslog = await startRsyslog(certificates)));
  afterAll(() => rsyslog.stop());
  const syslog = (ca: string): string =>
    configText({ more: `log: { syslog: { address: "tls://localhost:${rsyslog.port}", ca: "${ca}" } }` });

  it('gets every line in order, with its number in the header too', async () => {
    proxy = await startSallyport(syslog(certificates.caFile));
    await makeTunnel();
    await expect.poll(() => rsyslog.messages().length, PATIENT).toBe(proxy.lines.length);

    const messages = rsyslog.messages();
    expect(messages.map(messageOf)).toEqual(proxy.lines);
    const headers = messages.map((message) => Number(/ \[meta sequenceId="(\d+)"\] \{/.exec(message)?.[1]));
    expect(headers).toEqual(numbers(proxy.lines));
    expect(messages.at(-1)).toMatch(/^<30>1 \S+Z [!-~]+ sallyport \d+ tunnel \[/);
  });

  it('that dies slows no tunnel, is told of once for each reason, and gets what waited when it is back', async () => {
    proxy = await startSallyport(syslog(certificates.caFile));
    const from = rsyslog.messages().length;
    await expect.poll(() => rsyslog.messages().length, PATIENT).toBeGreaterThanOrEqual(proxy.lines.length);
    await rsyslog.kill();
    await makeTunnel();
    const lost = await proxy.line({ msg: 'a log collector is lost; lines wait for it' });
    expect(lost).toMatchObject({ level: 'warn', address: `localhost:${rsyslog.port}` });
    for (let count = 0; count < 5; count += 1) await makeTunnel();
    await rsyslog.start();
    await proxy.line({ msg: 'a log collector is back', lines_dropped: 0 });

    const told = proxy.lines.filter(({ msg }) => String(msg).startsWith('a log collector is lost'));
    expect(new Set(told.map(({ detail }) => detail)).size).toBe(told.length);
    await expect
      .poll(() => numbers(rsyslog.messages().slice(from).map(messageOf)), PATIENT)
      .toEqual(expect.arrayContaining([...numbers(proxy.lines)]));
  });

  it('whose certificate another authority signed gets nothing', async () => {
    const before = rsyslog.messages().length;
    proxy = await startSallyport(syslog(makeCertificates(['localhost']).caFile));
    const lost = await proxy.line({ msg: 'a log collector is lost; lines wait for it' });
    expect(lost['detail']).toMatch(/certificate/);
    expect(rsyslog.messages()).toHaveLength(before);
  });
});

describe('a collector for OpenTelemetry', () => {
  const secret = 'Bearer hunter2-hunter2';
  let server: Server;
  let answer: (response: ServerResponse) => void;
  const seen: { authorization: string | undefined; numbers: readonly number[] }[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const found = [...body.matchAll(/"key":"seq","value":\{"intValue":"(\d+)"/g)].map(([, seq]) => Number(seq));
        seen.push({ authorization: request.headers.authorization, numbers: found });
        answer(response);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  const taken = (response: ServerResponse): void => void response.writeHead(200).end('{}');
  const otlp = (port = (server.address() as AddressInfo).port): string =>
    `otlp: { endpoint: "http://127.0.0.1:${port}", headers: { authorization: "\${TOKEN}" } }`;
  const start = async (log: string): Promise<void> => {
    seen.length = 0;
    proxy = await startSallyport(configText({ more: `log: { ${log} }` }), { env: { TOKEN: secret } });
  };

  it('gets every line with its headers, which stand in no line; the last ones at the end', async () => {
    answer = taken;
    await start(otlp());
    await makeTunnel();
    expect(await proxy.stop()).toBe(0);
    expect(seen.flatMap((request) => request.numbers)).toEqual(numbers(proxy.lines));
    expect(new Set(seen.map(({ authorization }) => authorization))).toEqual(new Set([secret]));
    expect(JSON.stringify(proxy.lines) + proxy.stderr()).not.toContain('hunter2');
  });

  it('that is busy gets the same lines again', async () => {
    let busy = 2;
    answer = (response) =>
      (busy -= 1) >= 0 ? void response.writeHead(503, { 'retry-after': '0' }).end() : taken(response);
    await start(otlp());
    const back = await proxy.line({ msg: 'a log collector is back' });
    expect(back).toMatchObject({ lines_dropped: 0 });
    expect(seen[2]?.numbers.slice(0, seen[0]?.numbers.length)).toEqual(seen[0]?.numbers);
  });

  it('that is mute slows no tunnel and no exit', async () => {
    const mute = createTcpServer(() => undefined).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    await start(otlp((mute.address() as AddressInfo).port));
    for (let count = 0; count < 5; count += 1) await makeTunnel();
    const before = performance.now();
    expect(await proxy.stop()).toBe(0);
    expect(performance.now() - before).toBeLessThan(8_000);
    mute.close();
  });

  it('over TLS gets lines where its certificate is signed by ca, and nothing otherwise', async () => {
    const certificates = makeCertificates(['localhost']);
    const secure = createSecureServer(certificates, (request, response) => {
      request.resume();
      heard += 1;
      taken(response);
    });
    let heard = 0;
    secure.listen(0, 'localhost');
    await once(secure, 'listening');
    const by = (ca: string): string =>
      `otlp: { endpoint: "https://localhost:${(secure.address() as AddressInfo).port}", ca: "${ca}" }`;
    await start(by(makeCertificates(['localhost']).caFile));
    expect(await proxy.line({ msg: 'a log collector is lost; lines wait for it' })).toMatchObject({
      detail: expect.stringMatching(/certificate/) as unknown,
    });
    expect(heard).toBe(0);
    await proxy.reload(configText({ more: `log: { ${by(certificates.caFile)} }` }));
    await expect.poll(() => heard, PATIENT).toBeGreaterThan(0);
    await proxy.stop();
    secure.close();
    secure.closeAllConnections();
  });

  it('comes and goes with a reload', async () => {
    answer = taken;
    await start('');
    await proxy.reload(configText({ more: `log: { ${otlp()} }` }));
    await makeTunnel();
    await proxy.reload(configText({ more: 'log: { otlp: null }' }));
    await makeTunnel();
    await proxy.stop();
    const reloads = proxy.lines.filter(({ msg }) => msg === 'reloaded');
    const [first = 0, second = 0] = numbers(reloads);
    const between = numbers(proxy.lines).filter((seq) => seq >= first && seq < second);
    expect(seen.flatMap((request) => request.numbers)).toEqual(between);
  });
});
