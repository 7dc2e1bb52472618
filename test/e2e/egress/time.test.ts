/** How long a way out may take, with all that comes before its dial: the name of a parent, and the parents before it in a list. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeNameServer, record, startNameServer } from '../../../packages/resolver/test/fake-name-server.ts';
import {
  type SilentListener,
  startSilentListener,
} from '../../../packages/tunnel-server/test/egress/silent-listener.ts';
import { configText } from '../harness/config-text.ts';
import { ask, openTunnel, type Origin, tcpOrigin } from '../harness/peers.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

/** Long enough that whoever waits for it fails the test. */
const DNS_TIMEOUT = '5m';
const CONNECT_MS = 3_000;

let names: FakeNameServer;
let parent: Origin;
let mute: Origin;
let silent: SilentListener;
let proxy: Running;
let giveUp: () => void = () => undefined;

beforeAll(async () => {
  names = await startNameServer(({ name, type }) => {
    if (name !== 'late.test') return undefined;
    if (type === 'AAAA') return { answers: [record('AAAA', name, '::1')] };
    // Well above the 50 ms for which one family waits for the other.
    return new Promise((answer) => setTimeout(answer, 200, { answers: [record('A', name, '127.0.0.1')] }));
  });
  parent = await tcpOrigin((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nparent')));
  mute = await tcpOrigin((socket) => socket.resume().on('end', () => giveUp()));
  silent = await startSilentListener();
  proxy = await startSallyport(
    configText({
      explicit: [`timeouts: { connect: ${CONNECT_MS}ms }`],
      policy: `policy:
  rules:
    - { name: late, action: allow, hosts: [by-late.test], egress: late }
    - { name: unnamed, action: allow, hosts: [by-unnamed.test], egress: unnamed }
    - { name: list, action: allow, hosts: [by-list.test], egress: [nameless, good] }
    - { name: absent, action: allow, hosts: ['*.by-absent.test'], egress: [absent, good] }
    - { name: mine, action: allow, hosts: [unknown.test], egress: mine }
    - { name: straight, action: allow, listeners: [explicit], egress: [mute, direct] }
    - { name: yardstick, action: allow }
  destinations: { allow: [loopback] }`,
      more: `egress:
  - { name: late, type: http, address: "late.test:${parent.port}" }
  - { name: unnamed, type: http, address: "unnamed.test:${parent.port}" }
  - { name: nameless, type: http, address: "nameless.test:${parent.port}" }
  - { name: good, type: http, address: "127.0.0.1:${parent.port}" }
  - { name: absent, type: http, address: "${silent.address.host}:${silent.address.port}" }
  - { name: mine, type: socks5, address: "127.0.0.1:${parent.port}", resolve: local }
  - { name: mute, type: http, address: "127.0.0.1:${mute.port}" }`,
    })
      .replace(/^dns: .*$/m, `dns: { servers: ["127.0.0.1:${names.address.port}"], timeout: ${DNS_TIMEOUT} }`)
      .replace(
        'admin:',
        `  - { name: yardstick, mode: connect, bind: "127.0.0.1:0", timeouts: { connect: ${0.75 * CONNECT_MS}ms } }\nadmin:`,
      ),
  );
});

afterAll(async () => {
  await proxy.stop();
  await Promise.all([names.stop(), silent.stop()]);
  parent.close();
  mute.close();
});

const connect = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
const at = (listener: string, authority: string): Promise<string> => ask(proxy.port(listener), connect(authority));

describe('the name of a parent', () => {
  it('leads to it by an address that comes late, where the first is of no use', async () => {
    expect(await at('explicit', 'by-late.test:443')).toMatch(/^HTTP\/1\.1 200 [^]*parent$/);
  });

  it('is looked up within timeouts.connect, and the log says so in one sentence', async () => {
    expect(await at('explicit', 'by-unnamed.test:443')).toMatch(/^HTTP\/1\.1 502 /);
    const { detail } = await proxy.tunnel({ host: 'by-unnamed.test', reason: 'egress' });
    expect(detail).toMatch(
      /^The egress unnamed has no address: unnamed\.test does not resolve: [^.]*timeouts\.connect\.$/,
    );
  });

  it('takes no more than its share of that from the others of a list', async () => {
    const client = await openTunnel(proxy.port('explicit'), 'by-list.test:443');
    expect(client.heard().toString()).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.destroy();
    await proxy.tunnel({ host: 'by-list.test', egress: 'good' });
  });
});

describe('a parent that does not even take the connection', () => {
  it('is passed by after that, for no destination can be to blame', async () => {
    const connectTo = (name: string): Promise<string> => at('explicit', `${name}.by-absent.test:443`);
    expect(await connectTo('first')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await proxy.metric('egress_up{egress="absent"}')).toBe(0);
    expect(await connectTo('second')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await proxy.metric('egress_attempts_total{egress="absent",result="silent"}')).toBe(1);
  });
});

describe('timeouts.connect', () => {
  it('holds for the look-up of a name that a parent is given the address of', async () => {
    expect(await at('explicit', 'unknown.test:443')).toMatch(/^HTTP\/1\.1 504 [^]*error=dns_timeout/);
    await proxy.tunnel({ host: 'unknown.test', reason: 'dns_timeout', stage: 'resolve' });
  });

  it('is shared by a direct egress with the parents before it', async () => {
    const { host, port } = silent.address;
    const authority = `${host}:${port}`;
    const isGivenUp = new Promise<void>((resolve) => (giveUp = resolve));
    const inList = at('explicit', authority).then((answer) => ({ which: 'list', answer }));
    await isGivenUp;
    // Begins where the list turns to the direct egress, and has three quarters of the time where the list has half of it left.
    const alone = at('yardstick', authority).then((answer) => ({ which: 'yardstick', answer }));
    const first = await Promise.race([inList, alone]);
    expect(first.which).toBe('list');
    expect(first.answer).toMatch(/^HTTP\/1\.1 504 [^]*error=connection_timeout/);
    await alone;
    await proxy.tunnel({ listener: 'explicit', reason: 'connect_timeout', egress: 'direct' });
  });
});
