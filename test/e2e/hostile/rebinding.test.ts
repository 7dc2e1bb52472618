/** Name servers that lie, and names that lead back to us: the address that was checked is the one that is dialled. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FakeNameServer, record, startNameServer } from '../../../packages/resolver/test/fake-name-server.ts';
import { configText } from '../harness/config-text.ts';
import { helloFor } from '../harness/hello.ts';
import { ask, openClient, type Origin, tcpOrigin } from '../harness/peers.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

/** Stands for a public address: the one exception to `special`. */
const PUBLIC = '127.0.0.2';
const PRIVATE = '127.0.0.1';

let proxy: Running;
let names: FakeNameServer;
let secret: Origin;
let open: Origin;
let secretClients = 0;

/** The same port on two addresses: what an attacker wants is behind the private one. */
async function originPair(): Promise<readonly [Origin, Origin]> {
  for (;;) {
    const first = await tcpOrigin(() => (secretClients += 1), PRIVATE);
    try {
      return [first, await tcpOrigin((socket) => socket.end('open'), PUBLIC, first.port)];
    } catch {
      first.close(); // The port is taken on the other address: another pair.
    }
  }
}

const config = (transparentPort: number, allow: string): string =>
  configText({
    policy: `policy: { rules: [{ name: all, action: allow }], destinations: { deny: [special], allow: ["${allow}"] } }`,
    transparent: [`port: ${transparentPort}`],
  }).replace(
    /^dns: .*$/m,
    `dns: { servers: ["127.0.0.1:${names.address.port}"], cache: { min_ttl: 1ms, negative_ttl: 1ms } }`,
  );

beforeAll(async () => {
  [secret, open] = await originPair();
  names = await startNameServer(() => undefined);
  proxy = await startSallyport(config(open.port, PUBLIC));
});

afterEach(() => expect(secretClients).toBe(0));

afterAll(async () => {
  await proxy.stop();
  await names.stop();
  secret.close();
  open.close();
});

const connectTo = (host: string, port: number): string => `CONNECT ${host}:${port} HTTP/1.1\r\n\r\n`;
const a = (name: string, ...addresses: readonly string[]): ReturnType<typeof record>[] =>
  addresses.map((address) => record('A', name, address, 0));

describe('a name server that changes its answer', () => {
  it('cannot have an address dialled that was not checked: one look-up a tunnel, and none behind the check', async () => {
    let asked = 0;
    names.script = ({ name, type }) => {
      if (type !== 'A') return { answers: [] };
      asked += 1;
      return { answers: a(name, asked % 2 === 1 ? PUBLIC : PRIVATE) };
    };
    const before = proxy.lines.length;
    const replies: string[] = [];
    // Different names, so that each is looked up; in pairs of a good answer and a bad one.
    for (let index = 0; index < 30; index += 1) {
      replies.push(await ask(proxy.port('explicit'), connectTo(`flip-${index}.test`, open.port)));
    }
    expect(asked).toBe(30);
    for (const [index, reply] of replies.entries()) {
      expect(reply).toMatch(index % 2 === 0 ? /^HTTP\/1\.1 200 [^]*open$/ : /^HTTP\/1\.1 403 /);
    }
    const dialled = proxy.lines.slice(before).flatMap(({ upstream }) => upstream ?? []);
    expect(new Set(dialled)).toEqual(new Set([`${PUBLIC}:${open.port}`]));
  });
});

describe('an answer of public and private addresses', () => {
  it('has the public one dialled alone', async () => {
    names.script = ({ name, type }) => ({ answers: type === 'A' ? a(name, PRIVATE, PUBLIC, '10.1.2.3') : [] });
    for (const host of ['mixed-1.test', 'mixed-2.test']) {
      expect(await ask(proxy.port('explicit'), connectTo(host, open.port))).toMatch(/^HTTP\/1\.1 200 [^]*open$/);
    }
    expect(await heardBy('transparent', helloFor('mixed-3.test'))).toBe('open');
  });

  it('does not fall back on the private one when the public one fails', async () => {
    const lone = await tcpOrigin(() => (secretClients += 1), PRIVATE);
    names.script = ({ name, type }) => ({ answers: type === 'A' ? a(name, PUBLIC, PRIVATE) : [] });
    expect(await ask(proxy.port('explicit'), connectTo('fallback.test', lone.port))).toMatch(/^HTTP\/1\.1 502 /);
    lone.close();
  });
});

describe('an answer of private addresses in disguise', () => {
  it.each(['::1', '::ffff:127.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', 'fe80::1', '::'])(
    'is refused: AAAA %s',
    async (address) => {
      names.script = ({ name, type }) => ({ answers: type === 'AAAA' ? [record('AAAA', name, address)] : [] });
      const host = `v6-${address.replaceAll(/[:.]/g, '-')}0.test`;
      // An IPv4-mapped address is no IPv6 host, so that such an answer may also count as none.
      expect(await ask(proxy.port('explicit'), connectTo(host, open.port))).toMatch(/^HTTP\/1\.1 (?:403|502) /);
    },
  );

  it('is refused behind an alias', async () => {
    names.script = ({ name, type }) => ({
      answers: type === 'A' ? [{ type: 'CNAME', name, data: 'inside.test' }, ...a('inside.test', PRIVATE)] : [],
    });
    expect(await ask(proxy.port('explicit'), connectTo('alias.test', open.port))).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('answers access_denied at the transparent door', async () => {
    names.script = ({ name, type }) => ({ answers: type === 'A' ? a(name, '169.254.169.254') : [] });
    expect(await alertOf(helloFor('metadata.test'))).toBe(49);
  });
});

describe('a way back to Sallyport itself, where every address is permitted', () => {
  const everywhere = 'any';
  const back = ['explicit', 'transparent', 'admin'] as const;

  beforeAll(async () => {
    const { msg } = await proxy.reload(config(proxy.port('explicit'), everywhere));
    expect(msg).toBe('reloaded');
    names.script = ({ name, type }) => ({ answers: type === 'A' ? a(name, PRIVATE) : [] });
  });

  it.each(back.flatMap((door) => WAYS.map((host) => ({ door, host }))))(
    'is a loop: $host and the port of $door',
    async ({ door, host }) => {
      const answer = await ask(proxy.port('explicit'), connectTo(host, proxy.port(door)));
      expect(answer).toMatch(/^HTTP\/1\.1 502 [^]*proxy_loop_detected/);
    },
  );

  it('is not taken where a name has another address too', async () => {
    // localhost is ::1 as well, where nobody listens: that is dialled, and we are not, or the answer would be 200.
    expect(await ask(proxy.port('explicit'), connectTo('localhost', proxy.port('admin')))).toMatch(/^HTTP\/1\.1 502 /);
    expect(await ask(proxy.port('explicit'), connectTo('localhost', proxy.port('explicit')))).toMatch(
      /^HTTP\/1\.1 502 /,
    );
  });

  it('is a loop at the transparent door', async () => {
    expect(await alertOf(helloFor('loop.test'))).toBe(80);
  });
});

const WAYS = [
  ...['127.0.0.1', 'loop.test', '0.0.0.0', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]'],
  ...['[::ffff:0.0.0.0]', '[::127.0.0.1]', '[2002:7f00:1::]'],
];

async function heardBy(door: string, opening: string | Buffer): Promise<string> {
  const client = await openClient(proxy.port(door));
  client.socket.write(opening);
  const { bytes } = await client.ended();
  client.socket.destroy();
  return bytes.toString();
}

async function alertOf(hello: Buffer): Promise<number | undefined> {
  return Buffer.from(await ask(proxy.port('transparent'), hello), 'latin1')[6];
}
