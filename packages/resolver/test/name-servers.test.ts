import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Address } from '@sallyport/tunnel-splice';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ServerReply } from '../src/name-server.ts';
import { createNameServers, type NameServers } from '../src/name-servers.ts';
import { record, startNameServer, zone, type FakeNameServer, type Script } from './fake-name-server.ts';

const open: { fakes: FakeNameServer[]; subjects: NameServers[] } = { fakes: [], subjects: [] };

afterEach(async () => {
  vi.useRealTimers();
  for (const subject of open.subjects.splice(0)) subject.close();
  await Promise.all(open.fakes.splice(0).map((fake) => fake.stop()));
});

const silence: Script = () => undefined;
const good = zone({ 'host.example A': ['192.0.2.1'] });
const FOUND = ['192.0.2.1'];

describe('createNameServers', () => {
  it.each(['SERVFAIL', 'REFUSED', 'NOTIMP', 'FORMERR'] as const)(
    'asks the next server at once on %s',
    async (rcode) => {
      const [first, second] = [await serve(() => ({ rcode })), await serve(good)];
      const { reply, tookMs } = await ask(servers([first.address, second.address], 20_000), 'host.example');
      expect(texts(reply)).toEqual(FOUND);
      expect(tookMs).toBeLessThan(5000);
    },
  );

  it.each(['0.0.0.0', '::ffff:0.0.0.0'])('finds a server of this machine at %s', async (host) => {
    const server = await serve(good);
    const { reply } = await ask(servers([{ host, port: server.address.port }]), 'host.example');
    expect(texts(reply)).toEqual(FOUND);
  });

  it('asks the next server at once when nobody listens at the first', async () => {
    const second = await serve(good);
    const { reply, tookMs } = await ask(servers([DEAD, second.address], 20_000), 'host.example');
    expect(texts(reply)).toEqual(FOUND);
    expect(tookMs).toBeLessThan(5000);
  });

  it.each([
    { title: 'NXDOMAIN', said: { rcode: 'NXDOMAIN' } },
    { title: 'no records', said: {} },
  ] as const)('takes $title for the answer and asks nobody else', async ({ said }) => {
    const [first, second] = [await serve(() => said), await serve(good)];
    const { reply } = await ask(servers([first.address, second.address]), 'host.example');
    expect(reply).toMatchObject({ kind: 'none' });
    expect(second.asked).toEqual([]);
  });

  it('waits its share of the time for a silent first server, once, and then asks the other one first', async () => {
    const both = zone({ 'host.example A': FOUND, 'other.example A': FOUND });
    const [first, second] = [await serve(silence), await serve(both)];
    const subject = servers([first.address, second.address], 1000);
    const { reply, tookMs } = await ask(subject, 'host.example');
    expect(texts(reply)).toEqual(FOUND);
    expect(tookMs).toBeGreaterThanOrEqual(499);
    for (let time = 0; time < 20; time++) expect(texts((await ask(subject, 'other.example')).reply)).toEqual(FOUND);
    expect(first.asked.map(({ name }) => name)).not.toContain('other.example');
  });

  it('puts a question to a silent server again after a while, and asks it first again once it has answered', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const [first, second] = [await serve(silence), await serve(good)];
    const subject = servers([first.address, second.address], 1000);
    await ask(subject, 'host.example');
    first.script = zone({ 'host.example A': ['192.0.2.99'] });
    const askedBefore = first.asked.length;
    vi.advanceTimersByTime(30_001);
    expect(texts((await ask(subject, 'host.example')).reply)).toEqual(FOUND);
    await expect.poll(() => first.asked.length, { interval: 5 }).toBeGreaterThan(askedBefore);
    await expect
      .poll(async () => texts((await ask(subject, 'host.example')).reply), { interval: 5 })
      .toEqual(['192.0.2.99']);
  });

  it('still takes the answer of a slow first server while the second is silent', async () => {
    let answer: () => void = () => undefined;
    const secondAsked = new Promise<void>((resolve) => (answer = resolve));
    const first = await serve(async ({ name }) => {
      await secondAsked;
      return { answers: [record('A', name, '192.0.2.1')] };
    });
    const second = await serve(() => {
      answer();
      return undefined;
    });
    const { reply } = await ask(servers([first.address, second.address], 6000), 'host.example');
    expect(texts(reply)).toEqual(FOUND);
  });

  it('does not hold a slow name against a server that answers others meanwhile', async () => {
    const first = await serve(({ name }) => (name === 'slow.example' ? undefined : { rcode: 'NXDOMAIN' }));
    const second = await serve(good);
    const subject = servers([first.address, second.address], 1000);
    const slow = ask(subject, 'slow.example');
    await ask(subject, 'other.example');
    await slow;
    expect((await ask(subject, 'host.example')).reply).toMatchObject({ kind: 'none' });
  });

  it.each([
    { title: 'all are silent', scripts: [silence, silence], reason: 'dns_timeout' },
    { title: 'one is silent and one fails', scripts: [silence, () => ({ rcode: 'SERVFAIL' })], reason: 'dns' },
  ] as const)('fails as $reason when $title', async ({ scripts, reason }) => {
    const fakes = await Promise.all(scripts.map((script) => serve(script as Script)));
    const { reply } = await ask(
      servers(
        fakes.map((fake) => fake.address),
        300,
      ),
      'host.example',
    );
    expect(reply).toMatchObject({ kind: 'failed', reason });
  });

  it('fails at once when all have failed', async () => {
    const fakes = await Promise.all([1, 2, 3].map(() => serve(() => ({ rcode: 'SERVFAIL' }))));
    const { reply, tookMs } = await ask(
      servers(
        fakes.map((fake) => fake.address),
        20_000,
      ),
      'host.example',
    );
    expect(reply).toMatchObject({ kind: 'failed', reason: 'dns' });
    expect(tookMs).toBeLessThan(5000);
  });

  it('sends a lost packet again', async () => {
    let packets = 0;
    const lossy = await serve((asked) => (++packets < 3 ? undefined : good(asked)));
    expect(texts((await ask(servers([lossy.address], 10_000), 'host.example')).reply)).toEqual(FOUND);
    expect(packets).toBeGreaterThanOrEqual(3);
  });

  it('waits for an answer as long as there is time, however quick the server has been before', async () => {
    const server = await serve(good);
    const subject = servers([server.address], 10_000);
    for (let time = 0; time < 10; time++) await ask(subject, 'host.example');
    let recursion: Promise<void> | undefined;
    // As a recursive server does, it answers a question and its repetitions all at once.
    server.script = async (asked) => {
      recursion ??= new Promise((resolve) => setTimeout(resolve, 1200));
      await recursion;
      return good(asked);
    };
    expect(texts((await ask(subject, 'host.example')).reply)).toEqual(FOUND);
  });

  it('takes the answer of a server from which every answer is long on its way', async () => {
    const server = await serve(good);
    const subject = servers([server.address], 5000);
    for (let time = 0; time < 10; time++) await ask(subject, 'host.example');
    server.script = async (asked) => {
      await delay(3000);
      return good(asked);
    };
    // c-ares waits for 5 s at most. Where this process itself stood still for much of the rest, the answer proves nothing.
    let found: readonly string[] = [];
    for (let tries = 0, hasStalled = true; hasStalled && tries < 3; tries++) {
      const stalls = monitorEventLoopDelay({ resolution: 10 });
      stalls.enable();
      found = texts((await ask(subject, 'host.example')).reply);
      hasStalled = stalls.max > 0.5e9;
    }
    expect(found).toEqual(FOUND);
  });
});

async function serve(script: Script): Promise<FakeNameServer> {
  const fake = await startNameServer(script);
  open.fakes.push(fake);
  return fake;
}

function servers(addresses: readonly Address[], timeoutMs = 3000): NameServers & { timeoutMs: number } {
  const subject = createNameServers(addresses, { timeoutMs });
  open.subjects.push(subject);
  return { ...subject, timeoutMs };
}

async function ask(
  subject: NameServers & { timeoutMs: number },
  name: string,
): Promise<{ reply: ServerReply; tookMs: number }> {
  const startedAt = performance.now();
  const reply = await subject.ask(name, 'A', startedAt + subject.timeoutMs).reply;
  return { reply, tookMs: performance.now() - startedAt };
}

/** Where nobody listens. A port that was free a moment ago may be the next socket's, over UDP or over TCP; no kernel gives this one away. */
const DEAD: Address = { host: '127.0.0.1', port: 1 };

function texts(reply: ServerReply): string[] {
  return reply.kind === 'records' ? reply.addresses.map((ip) => ip.text) : [];
}
