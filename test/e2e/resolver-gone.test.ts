/** The only name server goes away and comes back: its port is closed, or it takes queries and says nothing. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type FakeNameServer,
  record,
  type Script,
  startNameServer,
} from '../../packages/resolver/test/fake-name-server.ts';
import { configText } from './harness/config-text.ts';
import { ask, openClient, type Origin, tcpOrigin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const everyName: Script = ({ name, type }) => ({ answers: type === 'A' ? [record('A', name, '127.0.0.1', 300)] : [] });

let proxy: Running;
let names: FakeNameServer;
let namesPort = 0;
let origin: Origin;

beforeEach(async () => {
  origin = await tcpOrigin((socket) => socket.end('origin'));
  names = await startNameServer(everyName);
  namesPort = names.address.port;
  proxy = await startSallyport(withCache('negative_ttl: 1s'));
});

afterEach(async () => {
  await proxy.stop();
  await names.stop();
  origin.close();
});

const withCache = (cache: string): string =>
  configText().replace(/^dns: .*$/m, `dns: { servers: ["127.0.0.1:${namesPort}"], timeout: 1s, cache: { ${cache} } }`);

const connectTo = (name: string): Promise<string> =>
  ask(proxy.port('explicit'), `CONNECT ${name}:${origin.port} HTTP/1.1\r\n\r\n`);

interface Absence {
  readonly what: string;
  readonly leave: () => void | Promise<void>;
  readonly comeBack: () => void | Promise<void>;
  readonly refusal: RegExp;
  readonly reasons: readonly string[];
}

const absences: readonly Absence[] = [
  {
    what: 'closes its port',
    leave: () => names.stop(),
    comeBack: async () => {
      names = await startNameServer(everyName, namesPort);
    },
    refusal: /^HTTP\/1\.1 50[24] [^]*error=dns_(?:error|timeout)/,
    reasons: ['dns', 'dns_timeout'],
  },
  {
    what: 'says nothing',
    leave: () => {
      names.script = () => undefined;
    },
    comeBack: () => {
      names.script = everyName;
    },
    refusal: /^HTTP\/1\.1 504 [^]*error=dns_timeout/,
    reasons: ['dns_timeout'],
  },
];

describe('a name server', () => {
  it.each(absences)('that $what is named as the cause, and is asked again once it is back', async (absence) => {
    expect(await connectTo('known.test')).toMatch(/^HTTP\/1\.1 200 /);
    await absence.leave();

    expect(await connectTo('new.test')).toMatch(absence.refusal);
    const line = await proxy.line({ msg: 'tunnel', host: 'new.test' });
    expect(absence.reasons).toContain(line['reason']);
    expect(await connectTo('known.test'), 'what the cache has goes on').toMatch(/^HTTP\/1\.1 200 /);
    const failed = `tunnels_total{listener="explicit",outcome="failed",reason="${String(line['reason'])}"}`;
    expect(await proxy.metric(failed)).toBe(1);

    await absence.comeBack();
    await expect.poll(() => connectTo('new.test'), { timeout: 30_000 }).toMatch(/^HTTP\/1\.1 200 [^]*origin$/);
    expect(await connectTo('another.test')).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('a reload that pins a name while the name server is away', () => {
  it('leaves the answers of the others, which have expired', async () => {
    const cache = 'min_ttl: 0s, max_ttl: 0s, negative_ttl: 1s, stale_if_error: 1h';
    await proxy.reload(withCache(cache));
    expect(await connectTo('known.test')).toMatch(/^HTTP\/1\.1 200 /);
    names.script = () => ({ rcode: 'SERVFAIL' });
    await proxy.reload(withCache(cache).replace('timeout: 1s', 'timeout: 1s, hosts: { "pinned.test": ["127.0.0.1"] }'));
    expect(await connectTo('pinned.test')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await connectTo('known.test')).toMatch(/^HTTP\/1\.1 200 [^]*origin$/);
  });
});

describe('a client that leaves during a look-up', () => {
  it('lets no expired answer serve, for no name server has failed', async () => {
    await proxy.reload(withCache('min_ttl: 0s, max_ttl: 0s, stale_if_error: 1h'));
    expect(await connectTo('moved.test')).toMatch(/^HTTP\/1\.1 200 /);
    const asked = names.asked.length;
    names.script = () => undefined;
    const client = await openClient(proxy.port('explicit'));
    client.socket.write('CONNECT moved.test:443 HTTP/1.1\r\n\r\n');
    await expect.poll(() => names.asked.length, { timeout: 20_000 }).toBeGreaterThan(asked);
    client.socket.destroy();
    await proxy.tunnel({ host: 'moved.test', reason: 'client_closed' });
    // Nobody listens at the new address.
    names.script = ({ name, type }) => ({ answers: type === 'A' ? [record('A', name, '127.0.0.9', 300)] : [] });
    expect(await connectTo('moved.test')).toMatch(/^HTTP\/1\.1 502 [^]*error=connection_refused/);
  });
});
