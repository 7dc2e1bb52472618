/** The recipes of configs/balancers and configs/egress, with the programs that they are for: only ports, names and keys are replaced. */
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { squid } from '../e2e/egress/launches.ts';
import { type Launch, type OtherProxy, type Place, startProxy } from '../e2e/egress/other-proxy.ts';
import { makeCertificates } from '../e2e/harness/certificates.ts';
import { configText } from '../e2e/harness/config-text.ts';
import { helloFor } from '../e2e/harness/hello.ts';
import { echoOrigin, openClient, openTunnel, type Origin } from '../e2e/harness/peers.ts';
import { freePort } from '../e2e/harness/ports.ts';
import { isInstalled } from '../e2e/harness/programs.ts';
import { type Running, startSallyport } from '../e2e/harness/sallyport.ts';
import { loopbackCopy } from './loopback-copy.ts';

let origin: Origin;
beforeAll(async () => void (origin = await echoOrigin()));
afterAll(() => origin.close());

async function passesThrough(port: number, host: string, portOfOrigin = origin.port): Promise<void> {
  const client = await openTunnel(port, `${host}:${portOfOrigin}`);
  expect(client.heard().toString()).toMatch(/^HTTP\/1\.1 200 /);
  client.socket.write('through');
  await client.hears('through');
  client.socket.end();
  await client.ended();
}

function configFile(name: string): string {
  return readFileSync(new URL(`../../configs/${name}`, import.meta.url), 'utf8');
}

describe('behind a balancer', () => {
  let proxy: Running;
  beforeAll(async () => {
    const names = ['origin.test'];
    proxy = await startSallyport(loopbackCopy('balancers/sallyport.yaml', { port: origin.port, names }).text);
  });
  afterAll(() => proxy.stop());

  /** The balancer's own file, between free ports and the doors; its second port is for the transparent door. */
  function balancer(file: string, [explicit, transparent]: readonly [string, string], second: number) {
    return ({ port }: Pick<Place, 'port'>): string =>
      configFile(file)
        .replaceAll(explicit, `127.0.0.1:${port}`)
        .replaceAll(transparent, `127.0.0.1:${second}`)
        .replaceAll('127.0.0.1:3128', `127.0.0.1:${proxy.port('explicit')}`)
        .replaceAll('127.0.0.1:8443', `127.0.0.1:${proxy.port('transparent')}`);
  }

  async function servesBothDoors(peer: OtherProxy, second: number): Promise<void> {
    const before = proxy.lines.length;
    await passesThrough(peer.port, 'origin.test');
    expect(await proxy.line({ msg: 'tunnel', listener: 'explicit' }, before)).toMatchObject({ outcome: 'ok' });
    const client = await openClient(second);
    client.socket.write(helloFor('origin.test'));
    await client.hears(helloFor('origin.test').length);
    const port = client.socket.localPort;
    client.socket.end();
    // The client's own port: the balancer has another one towards the door.
    await proxy.line({ msg: 'tunnel', listener: 'transparent', client: '127.0.0.1', client_port: port }, before);
    await peer.stop();
  }

  it.skipIf(!isInstalled('haproxy'))('HAProxy with haproxy.cfg', async () => {
    const second = await freePort();
    const text = balancer('balancers/haproxy.cfg', [':13128', ':18443'], second);
    const launch = (place: Place): Launch => ({
      program: 'haproxy',
      args: ['-db', '-f', `${place.folder}/haproxy.cfg`],
      files: { 'haproxy.cfg': text(place) },
    });
    await servesBothDoors(await startProxy(launch), second);
  });

  it.skipIf(!isInstalled('nginx'))('nginx with nginx.conf', async () => {
    const second = await freePort();
    const text = balancer('balancers/nginx.conf', ['23128', '28443'], second);
    const launch = (place: Place): Launch => ({
      program: 'nginx',
      args: [
        ...['-p', place.folder, '-c', `${place.folder}/nginx.conf`, '-e', '/dev/null'],
        ...['-g', `daemon off; pid ${place.folder}/nginx.pid;`],
      ],
      files: { 'nginx.conf': text(place) },
    });
    await servesBothDoors(await startProxy(launch), second);
  });

  it('an AWS Network Load Balancer, by the bytes that AWS publishes', async () => {
    // github.com/aws/elastic-load-balancing-tools, the tests of proprot: a CRC-32C, the endpoint's id, a NOOP that fills up.
    const header = Buffer.from(
      `0d0a0d0a000d0a515549540a21110054ac1f0771ac1f0a1fc8f20050030004e8d6892dea001701${Buffer.from(
        'vpce-08d2bf15fac5001c9',
      ).toString('hex')}040024${'00'.repeat(36)}`,
      'hex',
    );
    const before = proxy.lines.length;
    const client = await openClient(proxy.port('explicit'));
    const head = `CONNECT origin.test:${origin.port} HTTP/1.1\r\nHost: origin.test\r\n\r\n`;
    client.socket.write(Buffer.concat([header, Buffer.from(head)]));
    await client.hears('HTTP/1.1 200 ');
    client.socket.end();
    await proxy.line({ msg: 'tunnel', client: '172.31.7.113', client_port: 51_442 }, before);
  });
});

/** Squid as a parent that finds `host` on this machine. */
function squidThatKnows(host: string): (place: Place) => Launch {
  return (place) => {
    const launch = squid()(place);
    return { ...launch, files: { ...launch.files, hosts: `127.0.0.1 ${host}\n` } };
  };
}

describe('by another proxy', () => {
  it.skipIf(!isInstalled('squid'))('before Squid: everything goes by it, and nothing when it is down', async () => {
    const parent = await startProxy(squidThatKnows('origin.test'));
    const address = `127.0.0.1:${parent.port}`;
    const copy = loopbackCopy('egress/before-squid.yaml', { port: origin.port, egress: { squid: { address } } });
    const proxy = await startSallyport(copy.text);
    await passesThrough(proxy.port('explicit'), 'origin.test');
    expect(await proxy.tunnel({ outcome: 'ok' })).toMatchObject({ egress: 'squid', upstream: address });
    await parent.stop();
    const client = await openTunnel(proxy.port('explicit'), `127.0.0.1:${origin.port}`);
    expect(client.heard().toString()).toMatch(/^HTTP\/1\.1 502 /);
    await proxy.tunnel({ reason: 'egress' });
    await proxy.stop();
  });

  it('before Sallyport over TLS: the second one takes over, and knows the client by its PROXY header', async () => {
    const { caFile, cert, key } = makeCertificates(['border2.corp']);
    const explicit = ['tls: { cert: proxy.crt, key: proxy.key }', 'proxy_protocol: [loopback]'];
    const border = await startSallyport(configText({ explicit }), { files: { 'proxy.crt': cert, 'proxy.key': key } });
    const copy = loopbackCopy('egress/before-sallyport.yaml', {
      port: origin.port,
      names: ['border.corp', 'border2.corp'],
      egress: {
        border: { address: `border.corp:${await freePort()}`, ca: caFile },
        border2: { address: `border2.corp:${border.port('explicit')}`, ca: caFile },
      },
    });
    const near = await startSallyport(copy.text);
    const client = await openTunnel(near.port('explicit'), `origin.test:${origin.port}`);
    const port = client.socket.localPort;
    client.socket.end();
    expect(await near.tunnel({ outcome: 'ok' })).toMatchObject({ egress: 'border2' });
    await border.tunnel({ client: '127.0.0.1', client_port: port, host: 'origin.test' });
    await near.stop();
    await border.stop();
  });

  it.skipIf(!isInstalled('squid'))('single hosts by a proxy that inspects, the rest straight out', async () => {
    const parent = await startProxy(squidThatKnows('api.example.com'));
    const address = `127.0.0.1:${parent.port}`;
    const names = ['origin.test'];
    const copy = loopbackCopy('egress/single-hosts.yaml', {
      port: origin.port,
      names,
      egress: { inspect: { address } },
    });
    const proxy = await startSallyport(copy.text);
    await passesThrough(proxy.port('explicit'), 'api.example.com');
    expect(await proxy.tunnel({ host: 'api.example.com' })).toMatchObject({ rule: 'inspected', egress: 'inspect' });
    await passesThrough(proxy.port('explicit'), 'origin.test');
    expect(await proxy.tunnel({ host: 'origin.test' })).toMatchObject({ rule: 'rest', egress: 'direct' });
    await proxy.stop();
    await parent.stop();
  });

  it.skipIf(!isInstalled('sshd') || !isInstalled('ssh'))(
    'SOCKS by ssh -D, with the command of the recipe',
    async () => {
      const server = await startProxy(sshd);
      const bastion = await startProxy(sshDynamic(server));
      const address = `127.0.0.1:${bastion.port}`;
      const copy = loopbackCopy('egress/ssh-socks.yaml', { port: origin.port, egress: { bastion: { address } } });
      const proxy = await startSallyport(copy.text);
      await passesThrough(proxy.port('explicit'), '127.0.0.1');
      expect(await proxy.tunnel({ outcome: 'ok' })).toMatchObject({ egress: 'bastion', upstream: address });
      await proxy.stop();
      await bastion.stop();
      await server.stop();
    },
  );
});

let sshKey = '';

/** A server of its own: host key, user key and configuration are the test's. */
function sshd({ folder, port }: Place): Launch {
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${folder}/${name}`]);
  // It accepts keys only out of folders that nobody else may write to.
  chmodSync(folder, 0o755);
  sshKey = `${folder}/user`;
  return {
    program: '/usr/sbin/sshd',
    args: ['-D', '-e', '-f', `${folder}/sshd_config`],
    files: {
      sshd_config: `Port ${port}
ListenAddress 127.0.0.1
HostKey ${folder}/host
AuthorizedKeysFile ${folder}/user.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
PidFile none
`,
    },
  };
}

/** `ssh -N -D`, as the recipe has it, to that server. */
function sshDynamic(server: OtherProxy): (place: Place) => Launch {
  return ({ port }) => ({
    program: 'ssh',
    args: [
      ...['-N', '-D', `127.0.0.1:${port}`, '-p', String(server.port), '-i', sshKey, '-o', 'IdentitiesOnly=yes'],
      ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-F', 'none', '127.0.0.1'],
    ],
  });
}
