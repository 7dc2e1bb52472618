/** Requests and hellos that come byte by byte: they are refused as those that come in one piece. */
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { helloFor } from './harness/hello.ts';
import { echoOrigin, openClient, type Origin } from './harness/peers.ts';
import { type LogLine, type Running, startSallyport } from './harness/sallyport.ts';

let proxy: Running;
let serving: Running;
let echo: Origin;

beforeAll(async () => {
  echo = await echoOrigin();
  proxy = await startSallyport(configText());
  serving = await startSallyport(
    configText({
      transparent: ['misdirected: serve', 'http: forward', `port: ${echo.port}`, 'limits: { tunnels_per_client: 1 }'],
    }),
  );
});

afterAll(async () => {
  await Promise.all([proxy.stop(), serving.stop()]);
  echo.close();
});

interface Heard {
  readonly answer: string;
  readonly line: LogLine;
}

/** Sends it byte by byte, and returns what came of it. */
async function askByBytes(running: Running, listener: string, said: string | Uint8Array): Promise<Heard> {
  const before = running.lines.length;
  const client = await openClient(running.port(listener));
  for (const byte of Buffer.from(said)) {
    client.socket.write(Uint8Array.of(byte));
    await setImmediate();
  }
  const { bytes } = await client.ended();
  client.socket.destroy();
  return { answer: bytes.toString('latin1'), line: await running.line({ msg: 'tunnel', listener }, before) };
}

const ACCEPT = 'Accept: application/problem+json\r\n\r\n';
const GET = `GET / HTTP/1.1\r\nHost: a.test\r\n${ACCEPT}`;
const CONNECT = `CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n${ACCEPT}`;

function expectProblem({ answer, line }: Heard, status: number, to: { host: string; port: number }): void {
  const [head = '', content = ''] = answer.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\nContent-Type: application/problem\\+json\r\n`));
  const { id, reason } = line;
  expect(JSON.parse(content)).toMatchObject({ status, id, reason, ...to });
  expect(line).toMatchObject({ status, ...to });
}

describe('a request that comes byte by byte', () => {
  it.each([
    { what: 'plain HTTP', said: GET, port: 80 },
    { what: 'CONNECT', said: CONNECT, port: 443 },
  ])('gets its 421 as it asks, and its line has where it wanted to go: $what', async ({ said, port }) => {
    expectProblem(await askByBytes(proxy, 'transparent', said), 421, { host: 'a.test', port });
  });

  it('gets it so too where CONNECT is served, but not to this port', async () => {
    expectProblem(await askByBytes(serving, 'transparent', CONNECT), 421, { host: 'a.test', port: 443 });
  });

  it.each([
    { what: 'plain HTTP', said: GET, port: 80 },
    { what: 'CONNECT', said: CONNECT, port: 443 },
  ])('is refused as it asks by the limits too: $what', async ({ said, port }) => {
    const held = await openClient(serving.port('transparent'));
    held.socket.write(helloFor('origin.test'));
    await held.hears(1);
    expectProblem(await askByBytes(serving, 'transparent', said), 429, { host: 'a.test', port });
    held.socket.destroy();
    await expect.poll(() => serving.metric('tunnels_active{listener="transparent"}')).toBe(0);
  });

  it('is HTTP too with a method in small letters', async () => {
    const { answer } = await askByBytes(proxy, 'transparent', GET.replace('GET', 'get'));
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
  });

  it('is not awaited for long', async () => {
    const { answer } = await askByBytes(proxy, 'transparent', GET.slice(0, -2));
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
  });
});

it('a hello at the explicit door that comes byte by byte is in the line with what it says', async () => {
  const { answer, line } = await askByBytes(proxy, 'explicit', helloFor('a.test'));
  expect(Buffer.from(answer, 'latin1')).toEqual(Buffer.of(21, 3, 3, 0, 2, 2, 10));
  expect(line).toMatchObject({ reason: 'misdirected', sni: 'a.test', tls: 'TLSv1.2' });
});
