import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Answer, MAX_ADDRESSES_A_FAMILY } from '../src/answer.ts';
import { MAX_LOOKUPS, Resolver, type DnsSettings, type ResolverOptions } from '../src/resolver.ts';
import { ip } from '../../addresses/test/literal.ts';
import { record, startNameServer, zone, type FakeNameServer, type Script } from './fake-name-server.ts';

const CLIENT = 'client';
const GOOD = { 'good.example A': ['192.0.2.1'] };
const CACHE = { entries: 100, min_ttl: 1000, max_ttl: 300_000, negative_ttl: 5000, stale_if_error: Infinity };
const open: { servers: FakeNameServer[]; resolvers: Resolver[] } = { servers: [], resolvers: [] };

afterEach(async () => {
  for (const resolver of open.resolvers.splice(0)) resolver.close();
  await Promise.all(open.servers.splice(0).map((server) => server.stop()));
});

describe('Resolver, asking', () => {
  it('gives both families, IPv6 first and alternating (RFC 8305 §4)', async () => {
    const server = await serve(
      zone({
        'both.example AAAA': ['2001:db8::1', '2001:db8::2'],
        'both.example A': ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
      }),
    );
    expect(
      texts(await resolver([server]).resolve('both.example', CLIENT).done)
        .slice(0, 2)
        .map(familyOf),
    ).toEqual([6, 4]);
    expect(server.questions()).toEqual(['both.example A', 'both.example AAAA']);
  });

  it.each([
    { family: 'ipv4', asked: ['one.example A'], found: ['192.0.2.1'] },
    { family: 'ipv6', asked: ['one.example AAAA'], found: ['2001:db8::1'] },
  ] as const)('asks for $family alone when that is the family', async ({ family, asked, found }) => {
    const server = await serve(zone({ 'one.example AAAA': ['2001:db8::1'], 'one.example A': ['192.0.2.1'] }));
    expect(texts(await resolver([server], { family }).resolve('one.example', CLIENT).done)).toEqual(found);
    expect(server.questions()).toEqual(asked);
  });

  it.each([
    { title: 'has no records', other: {} },
    { title: 'fails', other: { rcode: 'SERVFAIL' } },
    { title: 'is never answered', other: undefined },
  ] as const)('succeeds with one family when the other $title', async ({ other }) => {
    const server = await serve(({ type, name }) =>
      type === 'A' ? { answers: [record('A', name, '192.0.2.1')] } : other,
    );
    expect(texts(await resolver([server]).resolve('half.example', CLIENT).done)).toEqual(['192.0.2.1']);
  });

  it('lets a family that comes late into the cache, and does not wait for it', async () => {
    let openGate: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (openGate = resolve));
    const server = await serve(async ({ type, name }) => {
      if (type === 'A') return { answers: [record('A', name, '192.0.2.1')] };
      await gate;
      return { answers: [record('AAAA', name, '2001:db8::1')] };
    });
    const subject = resolver([server]);
    expect(texts(await subject.resolve('late.example', CLIENT).done)).toEqual(['192.0.2.1']);
    openGate();
    await expect.poll(() => texts(subject.peek('late.example')), { interval: 5 }).toEqual(['2001:db8::1', '192.0.2.1']);
  });

  it('follows a chain of aliases within an answer', async () => {
    const server = await serve(({ type }) =>
      type === 'A'
        ? {
            answers: [
              { type: 'CNAME', name: 'www.example', data: 'host.example', ttl: 60 },
              record('A', 'host.example', '192.0.2.7'),
            ],
          }
        : {},
    );
    expect(texts(await resolver([server]).resolve('www.example', CLIENT).done)).toEqual(['192.0.2.7']);
  });

  it('takes an IPv4-mapped address in an AAAA record for the IPv4 address that it is', async () => {
    const server = await serve(zone({ 'mapped.example AAAA': ['::ffff:10.0.0.1'] }));
    expect(texts(await resolver([server]).resolve('mapped.example', CLIENT).done)).toEqual(['10.0.0.1']);
  });

  it.each([
    { ttl: 0x7ffffffe, isKept: true },
    { ttl: 0x80000000, isKept: false },
    { ttl: 0xffffffff, isKept: false },
  ])(
    'takes a TTL of $ttl s for 0 where its highest bit is set: the answer is kept: $isKept',
    async ({ ttl, isKept }) => {
      const server = await serve(zone({ 'host.example A': ['192.0.2.1'] }, ttl));
      const subject = resolver([server], { cache: { ...CACHE, min_ttl: 0 } });
      await subject.resolve('host.example', CLIENT).done;
      expect(subject.peek('host.example') !== undefined).toBe(isKept);
    },
  );

  it('gives an address once that an answer has many times', async () => {
    const addresses = [...Array.from({ length: MAX_ADDRESSES_A_FAMILY }, () => '192.0.2.1'), '192.0.2.2'];
    const server = await serve(zone({ 'host.example A': addresses }));
    expect(texts(await resolver([server]).resolve('host.example', CLIENT).done)).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  it('asks again over TCP when an answer is truncated', async () => {
    const many = Array.from({ length: 100 }, (_, at) => record('A', 'big.example', `192.0.2.${at + 1}`));
    const server = await serve(({ type, over }) => {
      if (type === 'AAAA') return {};
      return over === 'udp' ? { truncated: true } : { answers: many };
    });
    expect(texts(await resolver([server]).resolve('big.example', CLIENT).done)).toHaveLength(MAX_ADDRESSES_A_FAMILY);
  });

  it.each([
    { title: 'NXDOMAIN', said: { rcode: 'NXDOMAIN' }, reason: 'dns', rcode: 'NXDOMAIN' },
    { title: 'no records', said: {}, reason: 'dns', rcode: 'NOERROR' },
    { title: 'SERVFAIL', said: { rcode: 'SERVFAIL' }, reason: 'dns', rcode: 'SERVFAIL' },
    { title: 'REFUSED', said: { rcode: 'REFUSED' }, reason: 'dns', rcode: 'REFUSED' },
    { title: 'FORMERR', said: { rcode: 'FORMERR' }, reason: 'dns', rcode: 'FORMERR' },
    { title: 'NOTIMP', said: { rcode: 'NOTIMP' }, reason: 'dns', rcode: 'NOTIMP' },
    { title: 'silence', said: undefined, reason: 'dns_timeout', rcode: undefined },
  ] as const)('fails as $reason on $title, and says what the server said', async ({ said, reason, rcode }) => {
    const server = await serve(() => said);
    const subject = resolver([server], { timeout: 300 });
    for (const answer of [
      await subject.resolve('gone.example', CLIENT).done,
      await subject.resolve('gone.example', CLIENT).done,
    ]) {
      expect(answer).toMatchObject({ kind: 'failed', reason });
      expect(answer.kind === 'failed' && answer.rcode).toBe(rcode);
    }
  });

  it('takes a name for existing where one family says so', async () => {
    const server = await serve(({ type }) => (type === 'A' ? {} : { rcode: 'NXDOMAIN' }));
    expect(await resolver([server]).resolve('half.example', CLIENT).done).toMatchObject({
      reason: 'dns',
      rcode: 'NOERROR',
    });
  });

  it('is over at the timeout', async () => {
    const server = await serve(() => undefined);
    const startedAt = performance.now();
    const lookUp = resolver([server], { timeout: 200 }).resolve('silent.example', CLIENT).done;
    // A timer of this process is as late as the resolver's own where the machine is busy.
    const first = await Promise.race([lookUp.then(() => 'over'), delay(2_000, 'too late', { ref: false })]);
    expect(first).toBe('over');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(199);
  });

  it('refuses one name more than it may look up at once, and goes on with the others', async () => {
    const server = await serve(() => undefined);
    const subject = resolver([server], { timeout: 1500 });
    const lookUps = Array.from({ length: MAX_LOOKUPS }, (_, at) => subject.resolve(`n${at}.example`, CLIENT).done);
    expect(await subject.resolve('more.example', CLIENT).done).toMatchObject({
      reason: 'dns_timeout',
      detail: 'too many names are being looked up already',
    });
    expect(await lookUps[0]).toMatchObject({ reason: 'dns_timeout' });
    await Promise.all(lookUps);
  });

  it('keeps places free for others, however many names one client asks for', { timeout: 60_000 }, async () => {
    const server = await serve(({ name }) =>
      name === 'good.example' ? zone(GOOD)({ name, type: 'A', over: 'udp' }) : undefined,
    );
    const subject = resolver([server], { family: 'ipv4', timeout: 20_000 });
    const hostile = Array.from({ length: MAX_LOOKUPS }, (_, at) => subject.resolve(`n${at}.example`, 'hostile'));
    expect(texts(await subject.resolve('good.example', 'other').done)).toEqual(['192.0.2.1']);
    for (const waiting of hostile) waiting.cancel();
  });

  it('puts no further packet on the wire for a name once all have left', async () => {
    const server = await serve(() => undefined);
    const subject = resolver([server], { timeout: 3000 });
    const [first, second] = [subject.resolve('left.example', CLIENT), subject.resolve('left.example', 'other')];
    await expect.poll(() => server.questions(), { interval: 5 }).toHaveLength(2);
    first.cancel();
    const stillOpen = Symbol('still open');
    expect(await Promise.race([second.done, Promise.resolve(stillOpen)])).toBe(stillOpen);
    second.cancel();
    expect(await second.done).toMatchObject({ kind: 'failed', detail: 'the look-up was given up' });
    await readSoFar(server);
    const before = server.asked.filter(({ name }) => name === 'left.example').length;
    // Longer than c-ares waits before it sends again.
    expect(await subject.resolve('silent.example', CLIENT).done).toMatchObject({ reason: 'dns_timeout' });
    expect(server.asked.filter(({ name }) => name === 'left.example')).toHaveLength(before);
  });

  it('asks anew for a name whose look-up was given up at that moment', async () => {
    const server = await serve(() => undefined);
    const subject = resolver([server], { family: 'ipv4' });
    const given = subject.resolve('again.example', CLIENT);
    given.cancel();
    server.script = zone({ 'again.example A': ['192.0.2.1'] });
    expect(texts(await subject.resolve('again.example', CLIENT).done)).toEqual(['192.0.2.1']);
  });

  it('sends nothing more to a server that is slow once another has answered', async () => {
    const [slow, quick] = [await serve(() => undefined), await serve(zone(GOOD))];
    const subject = resolver([slow, quick], { family: 'ipv4', timeout: 600 });
    expect(texts(await subject.resolve('good.example', CLIENT).done)).toEqual(['192.0.2.1']);
    await readSoFar(slow);
    const before = slow.asked.filter(({ name }) => name === 'good.example').length;
    await subject.resolve('none.example', CLIENT).done;
    await resolver([await serve(() => undefined)], { timeout: 1200 }).resolve('silent.example', CLIENT).done;
    expect(slow.asked.filter(({ name }) => name === 'good.example').length).toBe(before);
  });
});

describe('Resolver, remembering', () => {
  it('asks one pair of questions for a hundred who ask at once', async () => {
    const server = await serve(zone({ 'busy.example A': ['192.0.2.1'] }));
    const subject = resolver([server]);
    const answers = await Promise.all(Array.from({ length: 100 }, () => subject.resolve('busy.example', CLIENT).done));
    expect(answers.every((answer) => texts(answer)[0] === '192.0.2.1')).toBe(true);
    // Two, and what a busy machine makes c-ares send again.
    expect(server.asked.length).toBeLessThan(10);
  });

  it('answers from memory, the very same value, and counts what it does', async () => {
    const counted: string[] = [];
    const server = await serve(zone({ 'known.example A': ['192.0.2.1'] }));
    const subject = resolver([server], {}, { onCache: (result) => counted.push(result) });
    expect(subject.peek('known.example')).toBeUndefined();
    const answer = await subject.resolve('known.example', CLIENT).done;
    expect(subject.peek('known.example')).toBe(answer);
    await subject.resolve('unknown.example', CLIENT).done;
    subject.peek('unknown.example');
    expect(counted).toEqual(['miss', 'hit', 'miss', 'negative']);
    expect(server.questions()).toHaveLength(4);
  });

  it('remembers nothing of a failure', async () => {
    const server = await serve(() => ({ rcode: 'SERVFAIL' }));
    const subject = resolver([server]);
    await subject.resolve('broken.example', CLIENT).done;
    expect(subject.peek('broken.example')).toBeUndefined();
  });

  it('serves an expired answer while DNS fails, if it may, and does not ask at every turn', async () => {
    const server = await serve(zone({ 'flaky.example A': ['192.0.2.1'] }));
    const cache = { ...CACHE, min_ttl: 0, max_ttl: 0, stale_if_error: 60_000 };
    const subject = resolver([server], { cache });
    await subject.resolve('flaky.example', CLIENT).done;
    expect(subject.peek('flaky.example')).toBeUndefined();
    server.script = () => ({ rcode: 'SERVFAIL' });
    expect(texts(await subject.resolve('flaky.example', CLIENT).done)).toEqual(['192.0.2.1']);
    expect(texts(subject.peek('flaky.example'))).toEqual(['192.0.2.1']);
  });

  it('takes a look-up that all have left for no failure of DNS', async () => {
    const server = await serve(zone({ 'moved.example A': ['192.0.2.1'] }));
    const subject = resolver([server], { cache: { ...CACHE, min_ttl: 0, max_ttl: 0, stale_if_error: 60_000 } });
    await subject.resolve('moved.example', CLIENT).done;
    const given = subject.resolve('moved.example', CLIENT);
    given.cancel();
    expect(await given.done).toMatchObject({ kind: 'failed' });
    server.script = zone({ 'moved.example A': ['192.0.2.2'] });
    expect(texts(await subject.resolve('moved.example', CLIENT).done)).toEqual(['192.0.2.2']);
  });

  it.each([0, Infinity])('serves no expired answer when stale_if_error is %d', async (stale_if_error) => {
    const server = await serve(zone({ 'flaky.example A': ['192.0.2.1'] }));
    const subject = resolver([server], { cache: { ...CACHE, min_ttl: 0, max_ttl: 0, stale_if_error } });
    await subject.resolve('flaky.example', CLIENT).done;
    server.script = () => ({ rcode: 'SERVFAIL' });
    expect(await subject.resolve('flaky.example', CLIENT).done).toMatchObject({ reason: 'dns' });
  });

  it('takes NXDOMAIN for an answer, not for a failure that an expired answer could stand in for', async () => {
    const server = await serve(zone({ 'moved.example A': ['192.0.2.1'] }));
    const subject = resolver([server], { cache: { ...CACHE, min_ttl: 0, max_ttl: 0, stale_if_error: 60_000 } });
    await subject.resolve('moved.example', CLIENT).done;
    server.script = zone({});
    expect(await subject.resolve('moved.example', CLIENT).done).toMatchObject({ reason: 'dns' });
  });

  it.each([
    { lacks: 'A', has: ['2001:db8::1'] },
    { lacks: 'AAAA', has: ['192.0.2.1'] },
  ])('serves no expired address of a family that the name does not have any more: $lacks', async ({ lacks, has }) => {
    const both = { 'moved.example A': ['192.0.2.1'], 'moved.example AAAA': ['2001:db8::1'] };
    const server = await serve(zone(both));
    const subject = resolver([server], { cache: { ...CACHE, min_ttl: 0, max_ttl: 0, stale_if_error: 60_000 } });
    await subject.resolve('moved.example', CLIENT).done;
    server.script = ({ type }) => (type === lacks ? {} : { rcode: 'SERVFAIL' });
    expect(texts(await subject.resolve('moved.example', CLIENT).done)).toEqual(has);
    expect(texts(subject.peek('moved.example'))).toEqual(has);
  });

  it('has nothing to serve once a server has said that the only family of a name is gone', async () => {
    const server = await serve(zone({ 'moved.example A': ['192.0.2.1'] }));
    const subject = resolver([server], { cache: { ...CACHE, min_ttl: 0, max_ttl: 0, stale_if_error: 60_000 } });
    await subject.resolve('moved.example', CLIENT).done;
    const failed = { kind: 'failed', reason: 'dns', rcode: 'SERVFAIL' };
    server.script = ({ type }) => (type === 'A' ? {} : { rcode: 'SERVFAIL' });
    expect(await subject.resolve('moved.example', CLIENT).done).toMatchObject(failed);
    server.script = () => ({ rcode: 'SERVFAIL' });
    expect(await subject.resolve('moved.example', CLIENT).done).toMatchObject(failed);
  });
});

describe('Resolver, tables', () => {
  it.each([
    { name: 'intranet.example', family: 'auto', found: ['2001:db8::9', '10.1.2.3'] },
    { name: 'intranet.example', family: 'ipv4', found: ['10.1.2.3'] },
    { name: 'localhost', family: 'auto', found: ['::1', '127.0.0.1'] },
    { name: 'db.localhost', family: 'ipv4', found: ['127.0.0.1'] },
    { name: 'v4only.example', family: 'ipv6', found: [] },
    { name: 'nowhere.invalid', family: 'auto', found: [] },
    { name: 'expyuzz4wqqyqhjn.onion', family: 'auto', found: [] },
    { name: 'alt', family: 'auto', found: [] },
    { name: 'a.b.alt', family: 'ipv4', found: [] },
  ] as const)('knows $name ($family) without asking', async ({ name, family, found }) => {
    const server = await serve(() => ({ rcode: 'SERVFAIL' }));
    const hosts = { 'Intranet.example': ['10.1.2.3', '2001:db8::9'], 'v4only.example': ['10.1.2.4'] };
    expect(texts(await resolver([server], { family, hosts }).resolve(name, CLIENT).done)).toEqual(found);
    expect(server.asked).toEqual([]);
  });
});

describe('Resolver, for how long it will say the same', () => {
  it.each([
    { what: 'a name of dns.hosts', name: 'intranet.example' },
    { what: 'a name of dns.hosts without an address of the family', name: 'v4only.example' },
    { what: 'a name of the hosts file', name: 'listed.example' },
    { what: 'a special name', name: 'db.localhost' },
    { what: 'a special name without an address', name: 'nowhere.invalid' },
  ])('says that no TTL ends $what', ({ name }) => {
    const folder = mkdtempSync(join(tmpdir(), 'resolver-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const systemFiles = { resolvConf: join(folder, 'resolv.conf'), hosts: join(folder, 'hosts') };
    writeFileSync(systemFiles.hosts, '10.0.0.1 listed.example');
    const hosts = { 'intranet.example': ['2001:db8::9'], 'v4only.example': ['10.1.2.4'] };
    // Named servers take the place of the system's files.
    const settings = { hosts, family: 'ipv6' as const, ...(name === 'listed.example' && { servers: undefined }) };
    expect(resolver([], settings, { systemFiles }).holdsMs(name, performance.now())).toBe(Infinity);
  });

  it('says what is left of a TTL, and nothing before there is an answer or once it has expired', async () => {
    const server = await serve(zone(GOOD));
    const subject = resolver([server], { cache: { ...CACHE, min_ttl: 20_000, max_ttl: 20_000 } });
    expect(subject.holdsMs('good.example', performance.now())).toBe(0);
    await subject.resolve('good.example', CLIENT).done;
    const first = subject.holdsMs('good.example', performance.now());
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThanOrEqual(20_000);
    await expect.poll(() => subject.holdsMs('good.example', performance.now()), { interval: 5 }).toBeLessThan(first);

    const forgetful = resolver([server], { cache: { ...CACHE, entries: 0 } });
    await forgetful.resolve('good.example', CLIENT).done;
    expect(forgetful.holdsMs('good.example', performance.now())).toBe(0);
  });

  it('says nothing of an answer that has another one in its place by now', async () => {
    const server = await serve(zone(GOOD));
    const subject = resolver([server], { cache: { ...CACHE, min_ttl: 300, max_ttl: 300 } });
    await subject.resolve('good.example', CLIENT).done;
    const since = performance.now();
    await expect.poll(() => subject.peek('good.example'), { interval: 5 }).toBeUndefined();
    await subject.resolve('good.example', CLIENT).done;
    expect(subject.holdsMs('good.example', since)).toBe(0);
    await subject.resolve('good.example', CLIENT).done;
    expect(subject.holdsMs('good.example', performance.now())).toBeGreaterThan(0);
  });

  it('counts an answer that is used once more, whether it has expired or not, and none of a table', async () => {
    const server = await serve(zone(GOOD));
    const counted: string[] = [];
    const settings = { hosts: { 'pinned.example': ['192.0.2.9'] }, cache: { ...CACHE, min_ttl: 100, max_ttl: 100 } };
    const subject = resolver([server], settings, { onCache: (result) => counted.push(result) });
    await subject.resolve('good.example', CLIENT).done;
    subject.reused('good.example');
    await expect.poll(() => subject.holdsMs('good.example', performance.now()), { interval: 5 }).toBe(0);
    subject.reused('good.example');
    for (const name of ['pinned.example', 'db.localhost']) subject.reused(name);
    expect(counted).toEqual(['miss', 'hit', 'hit']);
  });

  it('says of an expired answer that stands in while DNS fails when DNS is asked again', async () => {
    const server = await serve(zone({ 'flaky.example A': ['192.0.2.1'] }));
    const subject = resolver([server], { cache: { ...CACHE, min_ttl: 0, max_ttl: 0, stale_if_error: 60_000 } });
    await subject.resolve('flaky.example', CLIENT).done;
    expect(subject.holdsMs('flaky.example', performance.now())).toBe(0);
    server.script = () => ({ rcode: 'SERVFAIL' });
    await subject.resolve('flaky.example', CLIENT).done;
    expect(subject.holdsMs('flaky.example', performance.now())).toBeGreaterThan(0);
    expect(subject.holdsMs('flaky.example', performance.now())).toBeLessThanOrEqual(30_000);
  });
});

describe('Resolver, of one family', () => {
  it.each([
    { family: 'auto', detail: 'it has no address' },
    { family: 'ipv4', detail: 'it has no IPv4 address' },
    { family: 'ipv6', detail: 'it has no IPv6 address' },
  ] as const)('says of which it has no address: $family', async ({ family, detail }) => {
    const server = await serve(() => ({}));
    const subject = resolver([server], { family });
    expect(await subject.resolve('none.example', CLIENT).done).toMatchObject({ detail, rcode: 'NOERROR' });
    expect(subject.peek('none.example')).toMatchObject({ detail });
  });

  it('says so of a name in its tables, too', () => {
    const hosts = { 'v4only.example': ['10.1.2.4'] };
    const pinned = resolver([], { family: 'ipv6', hosts }).peek('v4only.example');
    expect(pinned).toMatchObject({ kind: 'failed', detail: 'it has no IPv6 address' });
  });
});

describe('Resolver, names', () => {
  it.each(['db', 'www.example.test', 'a.b.c.d.e', 'notlocalhost', 'myonion', 'cobalt', 'printer.local', 'x.internal'])(
    'asks for %s as it is written, and for nothing else',
    async (name) => {
      const server = await serve(() => ({ rcode: 'NXDOMAIN' }));
      await resolver([server], { family: 'ipv4' }).resolve(name, CLIENT).done;
      expect(server.questions()).toEqual([`${name} A`]);
    },
  );
});

describe('Resolver, confirming', () => {
  /** Answers each question for an A record with the next of these; the last one stays. */
  const rotating = (...answers: readonly string[]): Script => {
    const left = [...answers];
    return ({ type, name }) => {
      if (type !== 'A') return {};
      return { answers: [record('A', name, (left.length > 1 ? left.shift() : left[0]) ?? '')] };
    };
  };

  it('finds an address in the first answer, without a second look-up', async () => {
    const server = await serve(rotating('192.0.2.1'));
    expect(await resolver([server]).confirm('cdn.example', ip('192.0.2.1'), CLIENT).done).toEqual({
      kind: 'confirmed',
    });
    expect(server.asked).toHaveLength(2);
  });

  it('asks again once before it denies', async () => {
    const server = await serve(rotating('192.0.2.1', '192.0.2.2', '192.0.2.3'));
    const subject = resolver([server]);
    expect(await subject.confirm('cdn.example', ip('192.0.2.2'), CLIENT).done).toEqual({ kind: 'confirmed' });
    expect(await subject.confirm('cdn.example', ip('192.0.2.9'), CLIENT).done).toEqual({ kind: 'denied' });
    expect(server.asked.filter(({ type }) => type === 'A')).toHaveLength(3);
  });

  it('remembers the addresses of earlier answers', async () => {
    const server = await serve(rotating('192.0.2.1', '192.0.2.2', '192.0.2.3'));
    const subject = resolver([server]);
    await subject.confirm('cdn.example', ip('192.0.2.2'), CLIENT).done;
    expect(await subject.confirm('cdn.example', ip('192.0.2.1'), CLIENT).done).toEqual({ kind: 'confirmed' });
    expect(server.asked.filter(({ type }) => type === 'A')).toHaveLength(2);
  });

  it('lets all who doubt a name share one look-up', async () => {
    const server = await serve(rotating('192.0.2.1', '192.0.2.2'));
    const subject = resolver([server]);
    await subject.resolve('cdn.example', CLIENT).done;
    const doubts = [2, 2, 9].map((last) => subject.confirm('cdn.example', ip(`192.0.2.${last}`), CLIENT).done);
    expect(await Promise.all(doubts)).toEqual([{ kind: 'confirmed' }, { kind: 'confirmed' }, { kind: 'denied' }]);
    expect(server.asked.filter(({ type }) => type === 'A')).toHaveLength(2);
  });

  it('asks nobody about a name that a table answers', async () => {
    const server = await serve(() => ({ rcode: 'SERVFAIL' }));
    const subject = resolver([server], { hosts: { 'intranet.example': ['10.1.2.3'] } });
    expect(await subject.confirm('intranet.example', ip('10.1.2.3'), CLIENT).done).toEqual({ kind: 'confirmed' });
    expect(await subject.confirm('intranet.example', ip('10.1.2.4'), CLIENT).done).toEqual({ kind: 'denied' });
    expect(server.asked).toEqual([]);
  });

  it.each([
    { family: 'ipv4', has: 'A', address: '192.0.2.1', unasked: '2001:db8::1', detail: 'IPv6' },
    { family: 'ipv6', has: 'AAAA', address: '2001:db8::1', unasked: '192.0.2.1', detail: 'IPv4' },
    { family: 'ipv4', has: 'AAAA', address: '2001:db8::1', unasked: '2001:db8::1', detail: 'IPv6' },
  ] as const)('cannot tell of $unasked where dns.family is $family', async ({ family, has, address, ...then }) => {
    const server = await serve(zone({ [`cdn.example ${has}`]: [address] }));
    const subject = resolver([server], { family });
    expect(await subject.confirm('cdn.example', ip(then.unasked), CLIENT).done).toEqual({
      kind: 'failed',
      reason: 'dns',
      detail: `its ${then.detail} addresses are not looked up, by dns.family`,
    });
    expect(server.asked).toHaveLength(1);
    expect(await subject.confirm('gone.example', ip(then.unasked), CLIENT).done).toMatchObject({ rcode: 'NXDOMAIN' });
  });

  it('says why it cannot tell', async () => {
    const server = await serve(() => ({ rcode: 'SERVFAIL' }));
    expect(await resolver([server]).confirm('gone.example', ip('192.0.2.1'), CLIENT).done).toMatchObject({
      kind: 'failed',
      reason: 'dns',
    });
  });

  it.each([
    { title: 'that is known', cache: CACHE },
    { title: 'that has expired', cache: { ...CACHE, min_ttl: 0, max_ttl: 0, stale_if_error: 60_000 } },
  ])('denies no address by an answer $title, where it cannot ask again', async ({ cache }) => {
    const server = await serve(rotating('192.0.2.1'));
    const subject = resolver([server], { cache });
    await subject.resolve('cdn.example', CLIENT).done;
    server.script = () => ({ rcode: 'SERVFAIL' });
    const failed = { kind: 'failed', reason: 'dns', rcode: 'SERVFAIL' };
    for (let time = 0; time < 2; time++) {
      expect(await subject.confirm('cdn.example', ip('192.0.2.9'), CLIENT).done).toMatchObject(failed);
      expect(texts(await subject.resolve('cdn.example', CLIENT).done)).toEqual(['192.0.2.1']);
    }
    server.script = rotating('192.0.2.9');
    expect(await subject.confirm('cdn.example', ip('192.0.2.9'), CLIENT).done).toEqual({ kind: 'confirmed' });
  });
});

describe('Resolver, after a reload', () => {
  it('knows what the one before knew, where the same servers are asked', async () => {
    const server = await serve(zone(GOOD));
    const before = resolver([server]);
    await before.resolve('good.example', CLIENT).done;
    const hosts = { 'pinned.example': ['192.0.2.7'] };
    const after = resolver([server], { hosts, timeout: 1000 }, { predecessor: before });
    expect(texts(after.peek('good.example'))).toEqual(['192.0.2.1']);
    expect(texts(after.peek('pinned.example'))).toEqual(['192.0.2.7']);
    server.script = () => ({ rcode: 'SERVFAIL' });
    expect(await after.confirm('good.example', ip('192.0.2.1'), CLIENT).done).toEqual({ kind: 'confirmed' });
  });

  it.each([
    { title: 'the family is another', dns: { family: 'ipv6' } },
    { title: 'answers are kept otherwise', dns: { cache: { ...CACHE, max_ttl: 1000 } } },
  ] as const)('asks anew where $title', async ({ dns }) => {
    const server = await serve(zone(GOOD));
    const before = resolver([server]);
    await before.resolve('good.example', CLIENT).done;
    expect(resolver([server], dns, { predecessor: before }).peek('good.example')).toBeUndefined();
  });

  it('asks anew where the servers are others', async () => {
    const [first, second] = [await serve(zone(GOOD)), await serve(zone(GOOD))];
    const before = resolver([first]);
    await before.resolve('good.example', CLIENT).done;
    expect(resolver([second], {}, { predecessor: before }).peek('good.example')).toBeUndefined();
  });
});

async function serve(script: Script): Promise<FakeNameServer> {
  const server = await startNameServer(script);
  open.servers.push(server);
  return server;
}

function resolver(servers: FakeNameServer[], dns: Partial<DnsSettings> = {}, options: ResolverOptions = {}): Resolver {
  const addresses = servers.map((server) => server.address);
  const settings: DnsSettings = { servers: addresses, hosts: {}, family: 'auto', cache: CACHE, timeout: 3000, ...dns };
  const created = new Resolver(settings, options);
  open.resolvers.push(created);
  return created;
}

/** Waits until `server` has read all that was sent to it before: datagrams over loopback keep their order. */
async function readSoFar(server: FakeNameServer): Promise<void> {
  const marker = resolver([server]).resolve('marker.example', CLIENT);
  await expect.poll(() => server.asked.some(({ name }) => name === 'marker.example'), { timeout: 20_000 }).toBe(true);
  marker.cancel();
}

function texts(answer: Answer | undefined): string[] {
  return answer?.kind === 'addresses' ? answer.addresses.map((ip) => ip.text) : [];
}

function familyOf(text: string): number {
  return text.includes(':') ? 6 : 4;
}
