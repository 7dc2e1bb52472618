/** Destinations that fail a request: before their answer a 502 or 504, behind its beginning an RST. */
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { ask } from '../harness/peers.ts';
import { startSallyport } from '../harness/sallyport.ts';
import { forwarding, get, useHttpStage } from './stage.ts';

const stage = useHttpStage();

describe('a destination that fails', () => {
  const url = (): string => `http://127.0.0.1:${stage.rawPort}/`;

  it.each([
    {
      what: 'closes',
      does: (socket: Socket) => socket.end(),
      error: 'connection_terminated',
      reason: 'upstream_closed',
    },
    {
      what: 'resets',
      does: (socket: Socket) => socket.resetAndDestroy(),
      error: 'connection_terminated',
      reason: 'upstream_reset',
    },
    {
      what: 'speaks another protocol',
      does: (socket: Socket) => socket.end('SSH-2.0-x\r\n'),
      error: 'http_protocol_error',
      reason: 'bad_response',
    },
    {
      what: 'upgrades unasked',
      does: (socket: Socket) => socket.end('HTTP/1.1 101 No\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
      error: 'http_protocol_error',
      reason: 'bad_response',
    },
    {
      what: 'sends another coding',
      does: (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'),
      error: 'http_protocol_error',
      reason: 'bad_response',
    },
  ])('is answered for with 502 when it $what', async ({ does, error, reason }) => {
    stage.rawAnswer = does;
    const heard = await ask(stage.proxy.port('explicit'), get(url()));
    expect(heard).toMatch(new RegExp(`^HTTP/1\\.1 502 [^]*error=${error}; [^]*\\(${reason}, `));
  });

  it.each([
    { what: 'content of a known length', head: 'Content-Length: 100' },
    { what: 'chunks', head: 'Transfer-Encoding: chunked' },
  ])('has its client reset when it cuts short $what', async ({ head }) => {
    const client = await stage.connect();
    stage.rawAnswer = (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n5\r\nhello\r\n`);
      void client.hears('hello').then(() => socket.end());
    };
    client.socket.write(get(url()));
    expect((await client.ended()).wasReset).toBe(true);
  });

  it('is left alone once the client has left', async () => {
    const client = await stage.connect();
    const left = new Promise<void>((resolve) => {
      stage.rawAnswer = (socket) => {
        socket.on('close', resolve).on('end', () => socket.end());
        client.socket.destroy();
      };
    });
    client.socket.write(get(url()));
    await left;
    expect(await stage.proxy.tunnel({ reason: 'client_closed', port: stage.rawPort })).toMatchObject({
      outcome: 'failed',
    });
  });

  it('is waited for until nothing has moved for timeouts.idle', async () => {
    const impatient = await startSallyport(configText({ ...forwarding, more: 'timeouts: { idle: 300ms }' }));
    stage.rawAnswer = () => undefined;
    const heard = await ask(impatient.port('explicit'), get(url()));
    expect(heard).toMatch(/^HTTP\/1\.1 504 [^]*error=http_response_timeout; [^]*\(idle, /);
    await impatient.stop();
  });

  it('is not blamed for a client that does not send all of its request', async () => {
    const impatient = await startSallyport(configText({ ...forwarding, more: 'timeouts: { idle: 300ms }' }));
    stage.rawAnswer = () => undefined;
    const heard = await ask(impatient.port('explicit'), `${get(url(), 'Content-Length: 5')}hel`);
    expect(heard).toMatch(/^HTTP\/1\.1 408 Request Timeout \(The rest of the request did not come in time\)\r\n/);
    expect(heard).toContain('; error=http_request_error; status-code=408; status-phrase="Request Timeout"; ');
    expect(await impatient.tunnel({ reason: 'idle' })).toMatchObject({ status: 408, outcome: 'refused' });
    await impatient.stop();
  });
});
