/** The lines that the real binary writes about its tunnels; each is held to the schema where the harness reads it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { ask, echoOrigin, openClient, openTunnel, type Origin, tcpOrigin } from './harness/peers.ts';
import { type LogLine, type Running, startSallyport } from './harness/sallyport.ts';

let echo: Origin;
let proxy: Running;

beforeAll(async () => {
  echo = await echoOrigin();
  proxy = await startSallyport(configText({ more: 'log: { progress: 50ms }' }));
});

afterAll(async () => {
  await proxy.stop();
  echo.close();
});

describe('a tunnel with log.progress', () => {
  it('has an open line, progress lines with the bytes so far, and one at its end, all of one id', async () => {
    const client = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
    const open = await proxy.line({ msg: 'open' });
    client.socket.write('hello');
    const id = open['id'];
    const progress = await proxy.line({ msg: 'progress', id, bytes_up: 5, bytes_down: 5 });
    client.socket.end();
    await client.ended();
    const end = await proxy.tunnel({ id });

    const known = {
      listener: 'explicit',
      host: '127.0.0.1',
      port: echo.port,
      rule: 'tests',
      upstream: `127.0.0.1:${echo.port}`,
    };
    expect([open, progress, end]).toMatchObject([known, known, { ...known, bytes_up: 5, outcome: 'ok' }]);
    const times = [open, progress, end].map((line) => Number(line['duration_ms']));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

describe('a request of plain HTTP that becomes a tunnel, with log.progress', () => {
  it('has one open line', async () => {
    const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
    const origin = await tcpOrigin((socket) => socket.once('data', () => socket.write(switching)));
    const more = 'log: { progress: 50ms }';
    await proxy.reload(configText({ explicit: ['http: forward'], more }));
    const client = await openClient(proxy.port('explicit'));
    const from = proxy.lines.length;
    const fields = 'Host: a\r\nConnection: upgrade\r\nUpgrade: x';
    client.socket.write(`GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\n${fields}\r\n\r\n`);
    await client.hears('101 Switching');
    client.socket.write('hello');
    await proxy.line({ msg: 'progress', bytes_up: 5 }, from);
    client.socket.resetAndDestroy();
    const { id } = await proxy.line({ msg: 'tunnel' }, from);
    const told = proxy.lines.slice(from).filter((line) => line['id'] === id);
    expect(told.map(({ msg }) => msg).filter((msg) => msg !== 'progress')).toEqual(['open', 'tunnel']);
    origin.close();
    await proxy.reload(configText({ more }));
  });
});

describe('log', () => {
  const settle = async (more: string): Promise<number> => {
    await proxy.reload(configText({ more }));
    return proxy.lines.length;
  };
  /** Two connections that leave lines of two levels: a refusal (warn), and one without a word (debug). */
  const visit = async (): Promise<void> => {
    const silent = await openClient(proxy.port('explicit'));
    silent.socket.end();
    await silent.ended();
    silent.socket.destroy();
    await ask(proxy.port('explicit'), 'CONNECT / HTTP/1.1\r\n\r\n');
  };
  const reasons = (from: number): unknown[] =>
    proxy.lines.slice(from).flatMap(({ msg, reason }) => (msg === 'tunnel' ? [reason] : []));

  it('has the lines of its level and above', async () => {
    const info = await settle('log: { level: info }');
    await visit();
    await proxy.tunnel({ reason: 'malformed' });
    expect(reasons(info)).toEqual(['malformed']);
    const debug = await settle('log: { level: debug }');
    await visit();
    await expect.poll(() => reasons(debug).toSorted()).toEqual(['malformed', 'probe']);
  });

  it('has no line of a tunnel where access is false', async () => {
    const without = await settle('log: { access: false }');
    await visit();
    await settle('log: { access: true }');
    expect(reasons(without)).toEqual([]);
    await visit();
    await expect.poll(() => reasons(without)).toEqual(['malformed']);
  });
});

describe('all lines of a process', () => {
  it('are numbered from 1 without a gap', () => {
    const numbers = proxy.lines.map((line: LogLine) => line['seq']);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});
