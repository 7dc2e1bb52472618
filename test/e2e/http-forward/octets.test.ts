/** What goes through a forwarded request comes out at its other end: every octet, in order, and counted. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ask } from '../harness/peers.ts';
import { get, MIB, useHttpStage } from './stage.ts';

const stage = useHttpStage();
const url = (path = '/'): string => `http://127.0.0.1:${stage.rawPort}${path}`;

/** Has the raw origin answer with these bytes, and resolves with all that it hears until its connection ends. */
function origin(answer: string, then: (socket: Socket) => void = (socket) => socket.end()): Promise<string> {
  return new Promise((resolve) => {
    stage.rawAnswer = (socket, first) => {
      const heard: Buffer[] = [first];
      socket.on('data', (bytes: Buffer) => heard.push(bytes));
      socket.on('end', () => resolve(Buffer.concat(heard).toString('latin1')));
      socket.write(answer, 'latin1');
      then(socket);
    };
  });
}

describe('octets above 0x7f', () => {
  it('pass in fields and reason phrases both ways, and in the target as a URI has them', async () => {
    const up = origin('HTTP/1.1 200 Gr\xfc\xdfe\r\nX-Down: \xe4\xc3\xa4\r\nContent-Length: 0\r\n\r\n');
    const heard = await ask(
      stage.proxy.port('explicit'),
      Buffer.from(get(url('/caf\xe9?\xc3\xa9'), 'X-Up: \xe4\xc3\xa4', 'Cookie: a\tb', 'Connection: close'), 'latin1'),
    );
    expect(heard).toMatch(/^HTTP\/1\.1 200 Gr\xfc\xdfe\r\nX-Down: \xe4\xc3\xa4\r\n/);
    expect(await up).toMatch(/^GET \/caf%E9\?%C3%A9 HTTP\/1\.1\r\n[^]*\r\nX-Up: \xe4\xc3\xa4\r\nCookie: a\tb\r\n/);
  });
});

describe('chunks', () => {
  it('are read where their coding is named behind a fold', async () => {
    void origin('HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n');
    const heard = await ask(stage.proxy.port('explicit'), get(url(), 'Connection: close'));
    expect(heard).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\n2\r\nok\r\n0\r\n\r\n$/);
  });
});

describe('methods', () => {
  it.each(['VERSION-CONTROL', 'UPDATE', 'LABEL', 'ORDERPATCH', 'RPC_IN_DATA', 'RPC_OUT_DATA', 'x!'])(
    'are tokens, %s among them, at both doors',
    async (method) => {
      for (const door of ['explicit', 'transparent']) {
        const up = origin('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        const target = door === 'explicit' ? url() : '/';
        const head = `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1:${stage.rawPort}\r\nConnection: close\r\n\r\n`;
        expect(await ask(stage.proxy.port(door), head)).toMatch(/^HTTP\/1\.1 200 /);
        expect(await up).toMatch(new RegExp(`^${method} / HTTP/1\\.1\r\n`));
      }
    },
  );
});

describe('a request to upgrade', () => {
  const upgrade = (): string => get(url(), 'Connection: Upgrade', 'Upgrade: websocket');
  const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';

  it.each(['in the same write', 'before the 101'])('loses no byte that the client sends %s', async (when) => {
    const client = await stage.connect();
    let answer: (socket: Socket) => void = () => undefined;
    const asked = new Promise<Socket>((resolve) => (answer = resolve));
    const up = origin('', answer);
    if (when === 'in the same write') {
      client.socket.write(`${upgrade()}frame one,`);
    } else {
      client.socket.write(upgrade());
      await expect.poll(() => stage.proxy.metric('tunnels_active{listener="explicit"}')).toBeGreaterThan(0);
      client.socket.write('frame one,');
    }
    (await asked).write(`${switching}hello `);
    await client.hears('hello ');
    client.socket.end('frame two');
    expect(await up).toMatch(/\r\n\r\nframe one,frame two$/);
    (await asked).end();
    await client.ended();
  });

  it('is no leave to change to anything else', async () => {
    const up = origin('HTTP/1.1 101 No\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n', () => undefined);
    const from = stage.proxy.lines.length;
    const heard = await ask(stage.proxy.port('explicit'), `${upgrade()}frame`);
    expect(heard).toMatch(/^HTTP\/1\.1 502 [^]* a protocol that was not asked for \(bad_response, /);
    await stage.proxy.line({ msg: 'tunnel', reason: 'bad_response' }, from);
    expect(await up).not.toContain('frame');
  });

  it('that is answered otherwise ends the connection: what came behind it is no request', async () => {
    void origin('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno');
    const heard = await ask(stage.proxy.port('explicit'), `${upgrade()}${get(stage.at('/smuggled'))}`);
    expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n\r\nno$/);
    expect(stage.reached('/smuggled')).toBeUndefined();
  });
});

describe('an upload', () => {
  it('is counted from its first byte, with its upstream, while it runs and however it ends', async () => {
    const before = (await stage.proxy.metric('bytes_total{listener="explicit",direction="up"}')) ?? 0;
    let end: () => void = () => undefined;
    stage.rawAnswer = (socket) => {
      end = () => socket.destroy();
      socket.resume();
    };
    const client = await stage.connect();
    client.socket.write(`PUT ${url('/sink')} HTTP/1.1\r\nHost: a\r\nContent-Length: ${40 * MIB}\r\n\r\n`);
    client.socket.write(Buffer.alloc(4 * MIB));
    const up = async (): Promise<number> =>
      ((await stage.proxy.metric('bytes_total{listener="explicit",direction="up"}')) ?? 0) - before;
    await expect.poll(up, { timeout: 30_000 }).toBeGreaterThanOrEqual(4 * MIB);
    expect(await stage.proxy.metric('tunnels_active{listener="explicit"}')).toBeGreaterThan(0);
    const from = stage.proxy.lines.length;
    end();
    const line = await stage.proxy.line({ msg: 'tunnel', status: 502, port: stage.rawPort }, from);
    expect(line).toMatchObject({ upstream: `127.0.0.1:${stage.rawPort}`, outcome: 'failed' });
    expect(line['bytes_up']).toBeGreaterThan(4 * MIB);
    client.socket.destroy();
  });

  it('that is answered early lets the client hear the answer', async () => {
    const early = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig';
    stage.rawAnswer = (socket) => socket.end(early);
    for (let round = 0; round < 5; round += 1) {
      const client = await stage.connect();
      client.socket.write(`PUT ${url('/413')} HTTP/1.1\r\nHost: a\r\nContent-Length: ${8 * MIB}\r\n\r\n`);
      client.socket.write(Buffer.alloc(8 * MIB));
      expect((await client.hears('big')).toString()).toMatch(/^HTTP\/1\.1 413 [^]*\r\nConnection: close\r\n/);
      client.socket.destroy();
    }
  });
});

describe('a response', () => {
  it('that is whole reaches the client whole, whatever comes behind it', async () => {
    void origin('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole, and junk');
    const client = await stage.connect();
    client.socket.write(get(url('/junk'), 'Connection: close'));
    const { bytes, wasReset } = await client.ended();
    expect({ text: bytes.toString().split('\r\n\r\n')[1], wasReset }).toEqual({ text: 'whole', wasReset: false });
  });

  it('that is cut short is no good response, in the log and the metrics', async () => {
    void origin('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut');
    const client = await stage.connect();
    client.socket.write(get(url('/cut')));
    const { bytes } = await client.ended();
    expect(await stage.proxy.tunnel({ reason: 'bad_response', status: 200 })).toMatchObject({
      outcome: 'failed',
      detail: "The destination's answer is malformed: it ends in the middle of its content.",
      bytes_down: bytes.length,
      first_byte_ms: expect.any(Number) as unknown,
    });
  });

  it('that is no HTTP does not count as relayed, for the client has our own in its place', async () => {
    void origin('no HTTP\r\n\r\n');
    const client = await stage.connect();
    client.socket.write(get(url('/none')));
    expect((await client.ended()).bytes.toString()).toMatch(/^HTTP\/1\.1 502 /);
    const line = await stage.proxy.tunnel({ reason: 'bad_response', status: 502 });
    expect(line).toMatchObject({ bytes_down: 0 });
    expect(line).not.toHaveProperty('first_byte_ms');
  });

  it.each([
    { what: 'one length twice', answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi' },
    { what: 'a folded field', answer: 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nhi' },
    { what: 'lines that end with LF', answer: 'HTTP/1.1 200 OK\nContent-Length: 2\n\nhi' },
  ])('passes well formed where it has $what', async ({ answer }) => {
    void origin(answer);
    const heard = await ask(stage.proxy.port('explicit'), get(url(), 'Connection: close'));
    expect(heard).toMatch(
      /^HTTP\/1\.1 200 OK\r\n(?:X: a b\r\n)?Content-Length: 2\r\n(?:[!-9;-~]+: [^\r\n]*\r\n)*\r\nhi$/,
    );
  });
});

describe('a health of its own', () => {
  it('has each request: how long it took is counted from its own beginning', async () => {
    const client = await stage.connect();
    client.socket.write(get(stage.at('/first-of-two')));
    await client.hears('\r\n0\r\n');
    const pauseMs = 300;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const from = stage.proxy.lines.length;
    const sentAt = performance.now();
    client.socket.write(get(stage.at('/second-of-two')));
    const { duration_ms: durationMs } = await stage.proxy.line({ msg: 'tunnel', status: 200 }, from);
    // Two processes agree on how long it is to about a millisecond.
    expect(durationMs).toBeLessThan(performance.now() - sentAt + pauseMs / 2);
    client.socket.end();
    await once(client.socket, 'close');
  });
});
