import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { SyslogCourier } from '../../../src/log/collectors/syslog-courier.ts';
import { syslogFrame } from '../../../src/log/collectors/syslog-frame.ts';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

const lineOf = (seq: number, more = ''): string =>
  `{"level":"warn","time":"2026-11-28T12:00:00.000Z","seq":${seq},"detail":"ü${more}","msg":"few descriptors"}`;

async function listen(onConnection: (socket: Socket, connection: number) => void) {
  let connections = 0;
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    onConnection(socket, (connections += 1));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, server };
}

function open(port: number): SyslogCourier {
  const courier = new SyslogCourier({ host: '127.0.0.1', port });
  closers.push(() => courier.close());
  return courier;
}

describe('a syslog message', () => {
  it('has header, sequenceId and the JSON line, counted in octets', () => {
    const frame = syslogFrame(lineOf(7)).toString();
    const [, length, message = ''] = /^(\d+) (.*)$/s.exec(frame) ?? [];
    expect(Number(length)).toBe(Buffer.byteLength(message));
    expect(message).toMatch(
      /^<28>1 2026-11-28T12:00:00\.000Z [!-~]+ sallyport \d+ - \[meta sequenceId="7"\] \{"level":/,
    );
  });

  it('about a tunnel says so in its MSGID', () => {
    const frame = syslogFrame('{"level":"info","time":"2026-11-28T12:00:00.000Z","seq":1,"id":"a-1","msg":"tunnel"}');
    expect(frame.toString()).toMatch(/<30>1 \S+ \S+ sallyport \d+ tunnel \[/);
  });

  it.each([
    { seq: 2 ** 31 - 1, sequenceId: 2 ** 31 - 1 },
    { seq: 2 ** 31, sequenceId: 1 },
  ])('of line $seq has the sequenceId $sequenceId', ({ seq, sequenceId }) => {
    expect(syslogFrame(lineOf(seq)).toString()).toContain(`[meta sequenceId="${sequenceId}"]`);
  });
});

describe('a syslog collector over TCP', () => {
  it('gets the frames of a batch on one connection', async () => {
    let heard = '';
    let connections = 0;
    const { port } = await listen((socket, connection) => {
      connections = connection;
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    });
    const courier = open(port);
    expect(await courier.deliver([lineOf(1), lineOf(2)])).toEqual({ kind: 'taken' });
    expect(await courier.deliver([lineOf(3)])).toEqual({ kind: 'taken' });
    const frames = [1, 2, 3].map((seq) => syslogFrame(lineOf(seq)).toString()).join('');
    await expect.poll(() => heard).toBe(frames);
    expect(connections).toBe(1);
  });

  it('that has closed the connection is connected to again', async () => {
    const heard: string[] = [];
    const { port } = await listen((socket, connection) => {
      socket.on('data', (chunk: Buffer) => {
        heard[connection] = (heard[connection] ?? '') + chunk.toString();
        if (connection === 1) socket.end();
      });
    });
    const courier = open(port);
    await courier.deliver([lineOf(1)]);
    await expect
      .poll(async () => {
        await courier.deliver([lineOf(2)]);
        return heard[2];
      })
      .toContain('"seq":2');
  });

  it('that closes at once is no collector', async () => {
    const { port } = await listen((socket) => socket.destroy());
    expect(await open(port).deliver([lineOf(1)])).toMatchObject({ kind: 'failed' });
  });

  it('that is left while it is being connected to keeps no connection, and gets nothing', async () => {
    // It never answers the ClientHello.
    const { port, server } = await listen(() => undefined);
    const accepted = once(server, 'connection');
    const courier = new SyslogCourier({ host: '127.0.0.1', port, tls: {} });
    const delivery = courier.deliver([lineOf(1)]);
    await accepted;
    courier.close();
    expect(await delivery).toEqual({ kind: 'failed', detail: 'it closed the connection' });
  });

  it('that is not there is told why', async () => {
    const { port, server } = await listen(() => undefined);
    server.close();
    await once(server, 'close');
    const delivery = await open(port).deliver([lineOf(1)]);
    expect(delivery).toMatchObject({ kind: 'failed', detail: expect.stringContaining('ECONNREFUSED') as unknown });
  });
});
