/** A connection of plain HTTP is trusted no longer than one request. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { ask, type Client, openClient, openTunnel } from '../harness/peers.ts';
import { startSallyport } from '../harness/sallyport.ts';
import { forwarding, get, useHttpStage } from './stage.ts';

const stage = useHttpStage();

describe('a connection that is kept alive', () => {
  it('has every request decided for itself: a denied one ends it, and nothing behind it is served', async () => {
    const pipelined = [
      get(stage.at('/first')),
      get(`http://denied.test:${stage.port}/`),
      get(stage.at('/behind-a-refusal')),
    ].join('');
    const heard = await ask(stage.proxy.port('explicit'), pipelined);
    expect(heard).toMatch(/^HTTP\/1\.1 200 OK[^]*HTTP\/1\.1 403 Forbidden [^]*\r\nConnection: close\r\n[^]*\(policy, /);
    expect(heard.match(/HTTP\/1\.1/g)).toHaveLength(2);
    expect(stage.reached('/behind-a-refusal')).toBeUndefined();
    expect(await stage.proxy.tunnel({ host: 'denied.test' })).toMatchObject({
      status: 403,
      outcome: 'refused',
      rule: 'no',
    });
  });

  it('may go somewhere else with each request', async () => {
    const client = await stage.connect();
    client.socket.write(get(stage.at('/one')));
    await client.hears('GET /one');
    await client.hears('\r\n0\r\n');
    client.socket.write(get(`http://127.0.0.1:${stage.port}/two`));
    await client.hears('GET /two');
    expect(stage.reached('/two')?.headers.host).toBe(`127.0.0.1:${stage.port}`);
    client.socket.destroy();
  });

  it.each(['Connection', 'Proxy-Connection'])('ends behind the response where %s says so', async (name) => {
    const path = `/closing/${name}`;
    const heard = await ask(
      stage.proxy.port('explicit'),
      get(stage.at(path), `${name}: close`) + get(stage.at('/late')),
    );
    expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n\r\n/);
    expect(heard.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(stage.reached(path)?.headers).not.toHaveProperty('proxy-connection');
  });

  it('is told 408 when a later head is not whole in time', async () => {
    const client = await stage.connect();
    client.socket.write(get(stage.at('/slow')));
    await client.hears('\r\n0\r\n');
    client.socket.write('GET ht');
    const { bytes } = await client.ended();
    expect(bytes.toString()).toMatch(/HTTP\/1\.1 408 Request Timeout [^]*\(handshake_timeout, /);
  });

  it('keeps its place in the limits between requests', async () => {
    const small = await startSallyport(configText({ ...forwarding, more: 'limits: { tunnels: 1 }' }));
    const first = await openClient(small.port('explicit'));
    first.socket.write(get(stage.at('/first-in')));
    await first.hears('\r\n0\r\n');
    expect(await ask(small.port('explicit'), get(stage.at('/no-room')))).toMatch(/^HTTP\/1\.1 503 /);
    first.socket.end();
    await first.ended();
    expect(await ask(small.port('explicit'), get(stage.at('/room'), 'Connection: close'))).toMatch(/^HTTP\/1\.1 200 /);
    await small.stop();
  });

  it('ends with the response under way when Sallyport drains', async () => {
    const draining = await startSallyport(configText(forwarding));
    let proceed: () => void = () => undefined;
    stage.rawAnswer = (socket) => {
      proceed = () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone');
      draining.process.kill('SIGTERM');
    };
    const client = await openClient(draining.port('explicit'));
    client.socket.write(get(`http://127.0.0.1:${stage.rawPort}/`));
    await draining.line({ msg: 'draining' });
    proceed();
    expect((await client.ended()).bytes.toString()).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n\r\ndone$/,
    );
    expect(draining.process.exitCode ?? (await once(draining.process, 'exit'))[0]).toBe(0);
  });

  it('has one lifetime, which a 101 does not begin anew', async () => {
    const timed = await startSallyport(
      configText({ ...forwarding, explicit: ['http: forward', 'timeouts: { lifetime: 5s }'] }).replace(
        'admin:',
        '  - { name: brief, mode: connect, bind: "127.0.0.1:0", timeouts: { lifetime: 300ms } }\nadmin:',
      ),
    );
    const opened = async (door: string): Promise<Client> => {
      const tunnel = await openTunnel(timed.port(door), `127.0.0.1:${stage.port}`);
      expect(tunnel.heard().toString()).toMatch(/^HTTP\/1\.1 200 /);
      return tunnel;
    };
    const passed = async (): Promise<unknown> => (await opened('brief')).ended();
    const client = await openClient(timed.port('explicit'));
    client.socket.write(get(stage.at('/first')));
    await client.hears('\r\n0\r\n');
    await passed();
    // Its lifetime begins after that of the client, and before the 101.
    const yardstick = await opened('explicit');
    await passed();
    client.socket.write(get(stage.at('/ws'), 'Connection: Upgrade', 'Upgrade: echo'));
    await client.hears('first ');
    const ends = [client, yardstick].map(async (one) => one.ended().then(() => one));
    expect(await Promise.race(ends)).toBe(client);
    expect(await timed.tunnel({ status: 101 })).toMatchObject({ reason: 'lifetime', outcome: 'ok' });
    await Promise.all(ends);
    await timed.stop();
  });
});
