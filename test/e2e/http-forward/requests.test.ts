/** `http: forward`: plain HTTP through both doors, under the same policy, addresses, log and metrics. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { ask, run } from '../harness/peers.ts';
import { residentMiBOf } from '../harness/process-facts.ts';
import { bulk, get, MIB, sha256, useHttpStage } from './stage.ts';

const stage = useHttpStage();

describe('a request', () => {
  it('goes through the explicit door to where its target says, and is logged with its status', async () => {
    const { stdout, code } = await stage.curl(stage.at('/explicit?q=1'));
    expect({ stdout, code }).toEqual({ stdout: `GET /explicit?q=1 ${sha256('')}\n`, code: 0 });
    const head = stage.reached('/explicit?q=1');
    expect(head?.headers.host).toBe(`origin.test:${stage.port}`);
    expect(head?.headers.via).toMatch(/^1\.1 sallyport \([0-9a-f]+\)$/);
    expect(await stage.proxy.tunnel({ listener: 'explicit', status: 200 })).toMatchObject({
      mode: 'connect',
      host: 'origin.test',
      port: stage.port,
      rule: 'tests',
      decision: 'allow',
      egress: 'direct',
      upstream: `127.0.0.1:${stage.port}`,
      outcome: 'ok',
      reason: 'upstream_closed',
    });
  });

  it('goes through the transparent door to where Host says', async () => {
    const { stdout } = await run('curl', [
      '--silent',
      '--connect-to',
      `::127.0.0.1:${stage.proxy.port('transparent')}`,
      stage.at('/transparent'),
    ]);
    expect(stdout).toBe(`GET /transparent ${sha256('')}\n`);
    expect(await stage.proxy.tunnel({ listener: 'transparent' })).toMatchObject({
      mode: 'sni',
      host: 'origin.test',
      status: 200,
    });
  });

  it('keeps its credentials for the proxy from the destination', async () => {
    await stage.curl('--proxy-user', 'alice:secret', stage.at('/credentials'));
    expect(stage.reached('/credentials')?.headers).not.toHaveProperty('proxy-authorization');
  });

  it('may name the user in its target, as that of apt does: the destination has that from Authorization', async () => {
    const { host } = new URL(stage.at('/'));
    const request = get(
      `http://user:secret@${host}/private`,
      'Authorization: Basic dXNlcjpzZWNyZXQ=',
      'Connection: close',
    );
    expect(await ask(stage.proxy.port('explicit'), request)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(stage.reached('/private')?.headers).toMatchObject({ host, authorization: 'Basic dXNlcjpzZWNyZXQ=' });
  });

  it.each(['--head', '--http1.0', '--http2'])('is served to curl %s', async (flag) => {
    const { stdout, code } = await stage.curl(flag, '--include', stage.at('/flag'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(stdout.includes(sha256(''))).toBe(flag !== '--head');
  });

  it('brings 64 MiB up and down, in memory that does not grow with it', async () => {
    const up = Buffer.alloc(64 * MIB, 'up');
    const proxied = { host: '127.0.0.1', port: stage.proxy.port('explicit') };
    const post = request({ ...proxied, method: 'POST', path: stage.at('/up') }).end(up);
    expect(await text(await answerTo(post))).toBe(`POST /up ${sha256(up)}\n`);
    const down = await answerTo(request({ ...proxied, path: stage.at('/bulk') }).end());
    expect(await sumOf(down)).toBe(sha256(...Array<Buffer>(64).fill(bulk)));
    expect(residentMiBOf(stage.proxy)).toBeLessThan(300);
  });

  it('brings chunks and trailers both ways', async () => {
    const client = await stage.connect();
    const fields = ['Host: a', 'Transfer-Encoding: chunked', 'TE: trailers', 'Connection: X-Hop', 'Trailer: X-Sum'];
    const content = ['3', 'abc', '0', 'X-Hop: of the connection', 'X-Sum: up'];
    client.socket.write([`POST ${stage.at('/chunks')} HTTP/1.1`, ...fields, '', ...content, '', ''].join('\r\n'));
    const heard = (await client.hears('\r\n0\r\nX-Sum: down\r\n\r\n')).toString();
    expect(heard).toContain('\r\nX-Trailers: X-Sum up\r\n');
    expect(heard).toContain(sha256('abc'));
    expect(stage.reached('/chunks')?.headers).toMatchObject({ trailer: 'X-Sum' });
    client.socket.destroy();
  });

  it('waits for the 100 of the destination', async () => {
    const client = await stage.connect();
    client.socket.write(
      `PUT ${stage.at('/expect')} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n`,
    );
    await client.hears('HTTP/1.1 100 Continue\r\n');
    client.socket.write('abc');
    await client.hears(sha256('abc'));
    client.socket.destroy();
  });

  it('hears early hints before the answer', async () => {
    const client = await stage.connect();
    client.socket.write(get(stage.at('/hints')));
    const heard = (await client.hears(sha256(''))).toString();
    expect(heard).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: <\/style.css>[^]*\r\n\r\nHTTP\/1\.1 200 OK\r\n/i);
    client.socket.destroy();
  });

  it('may change the protocol: what follows the 101 is a tunnel', async () => {
    const bytesTotal = async (direction: string): Promise<number | undefined> =>
      stage.proxy.metric(`bytes_total{listener="transparent",direction="${direction}"}`);
    const [upBefore = 0, downBefore = 0] = [await bytesTotal('up'), await bytesTotal('down')];
    const client = await stage.connect('transparent');
    client.socket.write(
      `GET /ws HTTP/1.1\r\nHost: origin.test:${stage.port}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`,
    );
    expect((await client.hears('first ')).toString()).toMatch(
      /^HTTP\/1\.1 101 [^]*\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n/,
    );
    client.socket.end('and back');
    const { bytes } = await client.ended();
    expect(bytes.toString()).toMatch(/\r\n\r\nfirst and back$/);
    expect(await stage.proxy.tunnel({ status: 101 })).toMatchObject({
      bytes_up: 8,
      bytes_down: 14,
      reason: 'client_closed',
    });
    expect([await bytesTotal('up'), await bytesTotal('down')]).toEqual([upBefore + 8, downBefore + 14]);
  });
});

async function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => sent.once('response', resolve).once('error', reject));
}

async function sumOf(answer: IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  answer.on('data', (chunk: Buffer) => hash.update(chunk));
  await once(answer, 'end');
  return hash.digest('hex');
}
