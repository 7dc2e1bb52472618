/** What the native engine repeats of the decisions that were made for a client: nobody but a metric can tell it from the usual way. */
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { type FakeNameServer, record, startNameServer } from '../../packages/resolver/test/fake-name-server.ts';
import { makeCertificates } from './harness/certificates.ts';
import { configText, type ConfigParts, testedRuntime } from './harness/config-text.ts';
import { type Client, echoOrigin, openClient, type Origin, tcpOrigin } from './harness/peers.ts';
import { freePort } from './harness/ports.ts';
import { helloRetryRequest, modernHello } from './harness/retry.ts';
import { type LogLine, type Running, startSallyport } from './harness/sallyport.ts';
import {
  DOORS,
  type DoorName,
  freshHello,
  isRepeating,
  keepVisiting,
  knock,
  RANDOM,
  repeatedAt,
  visit,
  type Wish,
  wordOrigin,
} from './harness/visits.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(yaml: string, env: Readonly<Record<string, string>> = {}): Promise<Running> {
  const proxy = await startSallyport(yaml, { env });
  closers.push(() => proxy.stop());
  return proxy;
}

async function open<Peer extends { close(): unknown }>(opened: Promise<Peer>): Promise<Peer> {
  const peer = await opened;
  closers.push(() => peer.close());
  return peer;
}

async function nameServer(...script: Parameters<typeof startNameServer>): Promise<FakeNameServer> {
  const names = await startNameServer(...script);
  closers.push(() => names.stop());
  return names;
}

/** Both doors lead to this port. */
const fileFor = (port: number, parts: ConfigParts = {}): string =>
  configText({ ...parts, transparent: [`port: ${port}`, ...(parts.transparent ?? [])] });

const withServer = (yaml: string, names: FakeNameServer): string =>
  yaml.replace(/^dns: .*$/m, `dns: { servers: ["127.0.0.1:${names.address.port}"] }`);

/** Resolves once the engine has repeated another tunnel; on the portable one at once. */
async function untilRepeated(proxy: Running, door: DoorName): Promise<void> {
  if (!isRepeating) return;
  const before = await repeatedAt(proxy, door);
  await expect.poll(() => repeatedAt(proxy, door), { interval: 5 }).toBeGreaterThan(before);
}

/** The same, but for a moment only: on a busy machine one dial may be slow, and then its like is not repeated for a minute. */
async function isSoonRepeated(proxy: Running, door: DoorName): Promise<boolean> {
  const before = await repeatedAt(proxy, door);
  for (const until = performance.now() + (isRepeating ? 1_000 : 0); performance.now() < until;)
    if ((await repeatedAt(proxy, door)) > before) return true;
  return false;
}

async function expectNoneOnPortable(proxy: Running, door: DoorName): Promise<void> {
  if (!isRepeating) expect(await repeatedAt(proxy, door)).toBe(0);
}

const tunnelsIn = (lines: readonly LogLine[]): readonly LogLine[] => lines.filter(({ msg }) => msg === 'tunnel');

/** What differs between tunnels that are alike. */
const OWN_FIELDS = /^(?:id|seq|time|client_port|.*_ms)$/;
const COUNTS =
  /^sallyport_(?:(?:tunnels|bytes|policy_decisions|dial_attempts|dns_cache|client_hellos|refused|sni_checks)_total|\w+_seconds_count|\w+_active)\b.*$/gm;

function alike(line: LogLine): unknown {
  return Object.fromEntries(
    Object.entries(line).map(([key, value]) => [key, OWN_FIELDS.test(key) ? typeof value : value]),
  );
}

async function countsOf(proxy: Running): Promise<readonly string[]> {
  const text = await (await fetch(`http://127.0.0.1:${proxy.port('admin')}/metrics`)).text();
  return text.match(COUNTS) ?? [];
}

describe.each(DOORS)('tunnels that are repeated at the %s door', (door) => {
  it('have the lines and the metrics of those that are not', async () => {
    const origin = await open(wordOrigin('one'));
    const names = await nameServer(({ name, type }) => ({
      answers: type === 'A' ? [record('A', name, '127.0.0.1', 3_600)] : [],
    }));
    const yaml = withServer(fileFor(origin.port), names);
    const [repeating, usual] = [await start(yaml), await start(yaml, { SALLYPORT_REPEAT: 'off' })];
    const wish = { door, host: 'name.test', port: origin.port };
    let visits = 0;
    const visitMore = async (): Promise<number> => {
      for (let client = 0; client < 40; client += 1) expect(await visit(repeating, wish)).toBe('one');
      visits += 40;
      return (await repeatedAt(repeating, door)) / visits;
    };
    if (isRepeating) await expect.poll(visitMore, { interval: 1 }).toBeGreaterThan(0.5);
    else expect(await visitMore()).toBe(0);
    for (let client = 0; client < visits; client += 1) expect(await visit(usual, wish)).toBe('one');
    expect(await repeatedAt(usual, door)).toBe(0);

    for (const { lines } of [repeating, usual]) await expect.poll(() => tunnelsIn(lines).length).toBe(visits);
    const [one] = tunnelsIn(usual.lines).map(alike);
    expect(one).toMatchObject({ listener: door, outcome: 'ok', host: 'name.test', rule: 'tests' });
    for (const line of tunnelsIn([...repeating.lines, ...usual.lines])) expect(alike(line)).toEqual(one);
    const [ids, seqs] = ['id', 'seq'].map((key) => new Set(tunnelsIn(repeating.lines).map((line) => line[key])));
    expect([ids?.size, seqs?.size]).toEqual([visits, visits]);
    const counts = await countsOf(usual);
    expect(counts.length).toBeGreaterThan(10);
    await expect.poll(() => countsOf(repeating)).toEqual(counts);
  });
});

it('count for the cache of names, though the TTL may be over by the time they are reported', async () => {
  const origin = await open(wordOrigin('one'));
  const names = await nameServer(({ name, type }) => ({
    answers: type === 'A' ? [record('A', name, '127.0.0.1', 1)] : [],
  }));
  const proxy = await start(withServer(fileFor(origin.port), names));
  const wish = { door: 'explicit', host: 'name.test', port: origin.port } as const;
  let visits = 0;
  const traffic = keepVisiting(4, async () => {
    expect(await visit(proxy, wish)).toBe('one');
    visits += 1;
  });
  await untilRepeated(proxy, 'explicit');
  const questions = (): number => names.asked.filter(({ type }) => type === 'A').length;
  await expect.poll(questions, { interval: 50 }).toBeGreaterThan(4);
  await traffic.stop();
  await expect.poll(() => tunnelsIn(proxy.lines).length).toBe(visits);
  const looks = await Promise.all(['hit', 'miss'].map((result) => proxy.metric(`dns_cache_total{result="${result}"}`)));
  expect(looks.reduce<number>((sum, count) => sum + (count ?? 0), 0)).toBe(visits);
});

it('are all in the metrics of a scrape, however late they are reported while more come and go', async () => {
  const AT_A_TIME = 4;
  const origin = await open(wordOrigin('one'));
  const proxy = await start(fileFor(origin.port));
  const wish = { door: 'transparent', host: 'localhost', port: origin.port } as const;
  let visits = 0;
  const traffic = keepVisiting(AT_A_TIME, async () => {
    expect(await visit(proxy, wish)).toBe('one');
    visits += 1;
  });
  await untilRepeated(proxy, 'transparent');
  for (let scrape = 0; scrape < 20; scrape += 1) {
    const before = visits;
    const counts = (await countsOf(proxy)).filter((line) => /tunnels_(?:total|active)/.test(line));
    const counted = counts.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
    // The newest of each client may be on its way into the books.
    expect(counted).toBeGreaterThanOrEqual(before - AT_A_TIME);
  }
  await traffic.stop();
});

/** Both words of the two origins come from one port, so long after the first byte. */
async function originPair(delayMs = 0): Promise<Origin> {
  const slowly = (word: string, host: string, port = 0): Promise<Origin> =>
    tcpOrigin((socket) => socket.once('data', () => setTimeout(() => socket.end(word), delayMs)), host, port);
  const openOne = delayMs === 0 ? wordOrigin : slowly;
  for (;;) {
    const one = await openOne('one', '127.0.0.1');
    try {
      const two = await openOne('two', '127.0.0.2', one.port);
      return { port: one.port, close: () => [one, two].forEach((origin) => origin.close()) };
    } catch {
      one.close(); // The port is taken on the other address: another pair.
    }
  }
}

const REFUSED: Readonly<Record<DoorName, string>> = { explicit: '403', transparent: 'alert 49' };
const ROUNDS = 30;

const policyOf = (rule: string): string => `policy:
  rules: [${rule}, { name: tests, action: allow }]
  destinations: { allow: [loopback] }`;

describe.each(DOORS)('a reload, with clients at the %s door all the time', (door) => {
  /**
   * Has clients come without a pause through reloads of two files in turn. Those that come behind the line of a reload get what its file
   * says.
   */
  async function alternate(proxy: Running, port: number, files: readonly (readonly [string, string])[]): Promise<void> {
    // An object for each reload: a slow visit may last until the one after the next.
    let expected: { readonly word: string | undefined } | undefined = { word: files.at(-1)?.[1] };
    const wrong: string[] = [];
    const traffic = keepVisiting(4, async () => {
      const due = expected;
      const heard = await visit(proxy, { door, host: 'origin.test', port });
      if (due !== undefined && due === expected && heard !== due.word) wrong.push(`${heard} in place of ${due.word}`);
    });
    let repeated = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [yaml, word] of files) {
        if (expected.word !== REFUSED[door] && (await isSoonRepeated(proxy, door))) repeated += 1;
        // What is under way may get either.
        expected = undefined;
        expect(await proxy.reload(yaml)).toMatchObject({ msg: 'reloaded' });
        expected = { word };
        expect(await visit(proxy, { door, host: 'origin.test', port })).toBe(word);
      }
    }
    await traffic.stop();
    expect(wrong).toEqual([]);
    if (isRepeating) expect(repeated).toBeGreaterThan(0);
    await expectNoneOnPortable(proxy, door);
  }

  it('that denies their name is heeded from its line on', { timeout: 240_000 }, async () => {
    const origin = await open(wordOrigin('one'));
    const allows = fileFor(origin.port);
    const denies = fileFor(origin.port, {
      policy: policyOf('{ name: no-origin, action: deny, hosts: [origin.test] }'),
    });
    const proxy = await start(allows);
    await alternate(proxy, origin.port, [
      [denies, REFUSED[door]],
      [allows, 'one'],
    ]);
    expect(await proxy.tunnel({ outcome: 'refused' })).toMatchObject({ reason: 'policy', rule: 'no-origin' });
    const decided = new Set(tunnelsIn(proxy.lines).map(({ rule, outcome }) => `${String(rule)} ${String(outcome)}`));
    expect(decided).toEqual(new Set(['tests ok', 'no-origin refused']));
  });

  it('that gives their name another address is heeded from its line on', { timeout: 240_000 }, async () => {
    const origin = await open(originPair());
    const at = (address: string): string => fileFor(origin.port, { hosts: { 'origin.test': [address] } });
    const proxy = await start(at('127.0.0.1'));
    await alternate(proxy, origin.port, [
      [at('127.0.0.2'), 'two'],
      [at('127.0.0.1'), 'one'],
    ]);
  });
});

it('what a renamed listener denies is not repeated, whatever comes up while the other sockets are closed', async () => {
  const origin = await open(wordOrigin('one'));
  const port = await freePort();
  const file = (name: string, action: string, listeners: number): string => `listeners:
  - { name: ${name}, mode: connect, bind: "127.0.0.1:${port}" }
${Array.from({ length: listeners }, (_, index) => `  - { name: more-${index}, mode: connect, bind: "127.0.0.1:0" }\n`).join('')}
admin: { bind: "127.0.0.1:0" }
runtime: ${testedRuntime()}
policy:
  rules: [{ name: tests, action: ${action} }]
  destinations: { allow: [loopback] }`;
  const proxy = await start(file('before', 'allow', 20));
  const head = `CONNECT 127.0.0.1:${origin.port} HTTP/1.1\r\n\r\n`;
  const ask = async (...pieces: readonly string[]): Promise<string> => {
    const client = await openClient(port);
    for (const piece of pieces) await new Promise((sent) => client.socket.write(piece, sent));
    const { bytes } = await client.ended();
    client.socket.end();
    return bytes.toString('latin1', 9, 12);
  };
  let asked = 0;
  // What comes in two pieces comes up by the usual way.
  const traffic = keepVisiting(48, async () => {
    await ask(head.slice(0, 20), head.slice(20));
    asked += 1;
  });
  for (let round = 0; round < 4; round += 1) {
    const begun = asked;
    await expect.poll(() => asked, { interval: 5 }).toBeGreaterThan(begun + 100);
    expect(await proxy.reload(file('after', 'deny', 0))).toMatchObject({ msg: 'reloaded' });
    for (let client = 0; client < 20; client += 1) expect(await ask(head)).toBe('403');
    await proxy.reload(file('before', 'allow', 20));
  }
  await traffic.stop();
});

/** Opens a tunnel to an echo and holds it. Undefined where it was refused. */
async function hold(proxy: Running, wish: Wish): Promise<Client | undefined> {
  const client = await knock(proxy, wish);
  closers.push(() => client.socket.destroy());
  const opening = await client.hears(wish.door === 'explicit' ? '\r\n\r\n' : 7);
  // At the transparent door the echo sends back the hello.
  return opening[0] === 22 || opening.toString().startsWith('HTTP/1.1 200 ') ? client : undefined;
}

/** Visits until the engine repeats. An echo leaves once its client does. */
async function warmUp(proxy: Running, wish: Wish): Promise<void> {
  const traffic = keepVisiting(1, async () => {
    const client = await knock(proxy, wish);
    await client.hears(wish.door === 'explicit' ? '\r\n\r\n' : 7);
    client.socket.end();
    await client.ended();
  });
  await untilRepeated(proxy, wish.door);
  await traffic.stop();
}

describe.each(DOORS)('tunnels that are repeated at the %s door and go on', (door) => {
  const host = 'origin.test';

  it('are cut by a reload that denies them, where reload_tunnels is recheck', async () => {
    const echo = await open(echoOrigin());
    const recheck = (policy?: string): string =>
      fileFor(echo.port, policy === undefined ? {} : { policy }).replace(
        'runtime: {',
        'runtime: { reload_tunnels: recheck,',
      );
    const proxy = await start(recheck());
    const wish = { door, host, port: echo.port };
    const held: Client[] = [];
    let refused = 0;
    const traffic = keepVisiting(4, async () => {
      if (held.length >= 300) return new Promise(setImmediate);
      const client = await hold(proxy, wish);
      if (client) held.push(client);
      else refused += 1;
    });
    await untilRepeated(proxy, door);
    await expect.poll(() => held.length, { interval: 5 }).toBeGreaterThan(0);
    const reloaded = await proxy.reload(recheck(policyOf('{ name: no-origin, action: deny, hosts: [origin.test] }')));
    expect(reloaded).toMatchObject({ msg: 'reloaded' });
    await expect.poll(() => refused > 0 || held.length >= 300, { interval: 5 }).toBe(true);
    await traffic.stop();
    for (const client of held) await client.ended();
    await expect.poll(() => proxy.metric(`tunnels_active{listener="${door}"}`)).toBe(0);
    const ends = (): readonly LogLine[] => tunnelsIn(proxy.lines).filter(({ outcome }) => outcome === 'ok');
    await expect.poll(() => ends().length).toBe(held.length);
    expect(new Set(ends().map(({ reason }) => reason))).toEqual(new Set(['policy']));
    await expectNoneOnPortable(proxy, door);
  });

  it('are listed with their bytes, told of in progress lines, and cut by the admin', async () => {
    const echo = await open(echoOrigin());
    const yaml = fileFor(echo.port, { more: 'log: { progress: 100ms }' });
    const proxy = await start(
      yaml.replace('admin: { bind: "127.0.0.1:0" }', 'admin: { bind: "127.0.0.1:0", control: true }'),
    );
    const wish = { door, host, port: echo.port };
    await warmUp(proxy, wish);
    const from = proxy.lines.length;
    const before = (await proxy.metric(`bytes_total{listener="${door}",direction="up"}`)) ?? NaN;
    const held = await hold(proxy, wish);
    if (held === undefined) throw new Error('no tunnel');
    const opening = held.heard().length;
    held.socket.write(Buffer.alloc(1_000));
    await held.hears(opening + 1_000);
    const up = 1_000 + (door === 'transparent' ? opening : 0);
    const url = `http://127.0.0.1:${proxy.port('admin')}/api/tunnels`;
    const listed = async (): Promise<Readonly<Record<string, unknown>> | undefined> => {
      const { tunnels } = (await (await fetch(url)).json()) as { tunnels: Readonly<Record<string, unknown>>[] };
      return tunnels.find(({ bytes_up }) => bytes_up === up);
    };
    await expect
      .poll(listed)
      .toMatchObject({ listener: door, client: '127.0.0.1', host, rule: 'tests', bytes_down: up });
    await expect
      .poll(() => proxy.metric(`bytes_total{listener="${door}",direction="up"}`))
      .toBeGreaterThanOrEqual(before + up);
    const id = (await listed())?.['id'];
    await proxy.line({ msg: 'progress', id, bytes_up: up }, from);
    expect((await fetch(`${url}/${String(id)}`, { method: 'DELETE' })).status).toBe(204);
    await held.ended();
    expect(await proxy.tunnel({ id })).toMatchObject({ reason: 'admin', outcome: 'ok', bytes_up: up, bytes_down: up });
    await expectNoneOnPortable(proxy, door);
  });

  it.each(['tunnels', 'tunnels_per_client'].flatMap((key) => [64, 100, 160, 400].map((most) => ({ key, most }))))(
    'are never more than $key: $most',
    async ({ key, most }) => {
      const echo = await open(echoOrigin());
      const proxy = await start(fileFor(echo.port, { more: `limits: { ${key}: ${most} }` }));
      const wish = { door, host, port: echo.port };
      for (let round = 0; round < 2; round += 1) {
        if (most >= 160) await warmUp(proxy, wish);
        await expect.poll(() => proxy.metric(`tunnels_active{listener="${door}"}`)).toBe(0);
        const held = await Promise.all(Array.from({ length: most + 60 }, () => hold(proxy, wish)));
        const up = held.filter((client) => client !== undefined);
        expect(up).toHaveLength(most);
        await expect.poll(() => proxy.metric(`tunnels_active{listener="${door}"}`)).toBe(most);
        for (const { socket } of up) socket.end();
        for (const client of up) await client.ended();
      }
      await expect.poll(() => proxy.metric(`tunnels_active{listener="${door}"}`)).toBe(0);
      const refused = tunnelsIn(proxy.lines).filter(({ outcome }) => outcome === 'refused');
      const reason = key === 'tunnels' ? 'overload' : 'client_limit';
      expect(new Set(refused.map((line) => line['reason']))).toEqual(new Set([reason]));
      expect(refused).toHaveLength(2 * 60);
      await expectNoneOnPortable(proxy, door);
    },
  );

  it('are none where new_per_client counts each', async () => {
    const origin = await open(wordOrigin('one'));
    const proxy = await start(fileFor(origin.port, { more: 'limits: { new_per_client: 10000/s }' }));
    for (let client = 0; client < 60; client += 1)
      expect(await visit(proxy, { door, host, port: origin.port })).toBe('one');
    expect(await repeatedAt(proxy, door)).toBe(0);
  });
});

describe.each(DOORS)('with clients at the %s door all the time', (door) => {
  const host = 'origin.test';

  it('a drain lets none in once one was refused, and each tunnel has its line', async () => {
    const origin = await open(wordOrigin('one'));
    const proxy = await start(fileFor(origin.port));
    const wish = { door, host, port: origin.port };
    let [served, late] = [0, 0];
    let isDraining = false;
    const traffic = keepVisiting(4, async () => {
      const wasDraining = isDraining;
      const heard = await visit(proxy, wish);
      if (heard === 'one') served += 1;
      if (heard === 'one' && wasDraining) late += 1;
      if (heard !== 'one') isDraining = true;
    });
    await untilRepeated(proxy, door);
    proxy.process.kill('SIGTERM');
    await proxy.line({ msg: 'drained', exit: 0 });
    await traffic.stop();
    expect(await proxy.stop()).toBe(0);
    expect(late).toBe(0);
    expect(tunnelsIn(proxy.lines).filter(({ outcome }) => outcome === 'ok')).toHaveLength(served);
  });

  it('a takeover loses none', async () => {
    const origin = await open(wordOrigin('one'));
    const proxy = await start(fileFor(origin.port));
    const heard = new Map<string, number>();
    const traffic = keepVisiting(4, async () => {
      const word = await visit(proxy, { door, host, port: origin.port });
      heard.set(word, (heard.get(word) ?? 0) + 1);
    });
    await untilRepeated(proxy, door);
    proxy.process.kill('SIGUSR1');
    const { pid } = await proxy.line({ msg: 'successor serves' });
    closers.push(() => process.kill(Number(pid), 'SIGTERM'));
    await proxy.line({ msg: 'drained', exit: 0 });
    await untilRepeated(proxy, door);
    await traffic.stop();
    expect([...heard.keys()]).toEqual(['one']);
    await expect.poll(() => tunnelsIn(proxy.lines).length).toBe(heard.get('one'));
  });

  it('an address is not dialled any more once its TTL is over', { timeout: 120_000 }, async () => {
    const origin = await open(originPair());
    let address = '127.0.0.1';
    let toldAt = 0;
    const names = await nameServer(({ name, type }) => {
      if (type === 'A') toldAt = performance.now();
      return { answers: type === 'A' ? [record('A', name, address, 1)] : [] };
    });
    const proxy = await start(withServer(fileFor(origin.port), names));
    let heardLast = '';
    let flips = 0;
    const wrong: string[] = [];
    const traffic = keepVisiting(4, async () => {
      const before = { heardLast, flips };
      const word = await visit(proxy, { door, host: 'name.test', port: origin.port });
      // Somebody has heard from the new address before this client came.
      if (before.flips === flips && before.heardLast === wordAt(address) && word !== before.heardLast) wrong.push(word);
      if (flips === before.flips) heardLast = word;
    });
    for (; flips < 6; flips += 1) {
      await expect.poll(() => heardLast, { interval: 5 }).toBe(wordAt(address));
      await isSoonRepeated(proxy, door);
      address = address === '127.0.0.1' ? '127.0.0.2' : '127.0.0.1';
    }
    await traffic.stop();
    expect(wrong).toEqual([]);
    expect(toldAt).toBeGreaterThan(0);
    if (isRepeating) expect(await repeatedAt(proxy, door)).toBeGreaterThan(0);
    await expectNoneOnPortable(proxy, door);
  });

  it('an origin that is gone is refused as ever', async () => {
    const origin = await wordOrigin('one');
    const proxy = await start(fileFor(origin.port));
    const wish = { door, host, port: origin.port };
    let heard: string[] = [];
    const traffic = keepVisiting(2, async () => heard.push(await visit(proxy, wish)));
    await untilRepeated(proxy, door);
    origin.close();
    heard = [];
    await expect.poll(() => heard.length, { interval: 5 }).toBeGreaterThan(20);
    await traffic.stop();
    const refused = door === 'explicit' ? '502' : 'alert 80';
    expect(new Set(heard.slice(4))).toEqual(new Set([refused]));
    const lines = (): readonly LogLine[] => tunnelsIn(proxy.lines).filter(({ outcome }) => outcome !== 'ok');
    await expect.poll(() => lines().length).toBeGreaterThanOrEqual(heard.slice(4).length);
    for (const line of lines()) expect(line).toMatchObject({ reason: 'refused', outcome: 'failed', stage: 'dial' });
    await expectNoneOnPortable(proxy, door);
  });
});

const wordAt = (address: string): string => (address === '127.0.0.1' ? 'one' : 'two');

/** Passes everything on to another port, as a port mapping does. */
async function mapping(to: () => number): Promise<Origin & { readonly arrivals: () => number }> {
  let arrivals = 0;
  const origin = await tcpOrigin((socket) => {
    arrivals += 1;
    const onward = connect({ port: to(), host: '127.0.0.1', allowHalfOpen: true });
    socket.pipe(onward).pipe(socket);
    socket.on('error', () => onward.destroy()).on('close', () => onward.destroy());
    onward.on('error', () => socket.destroy());
  });
  return { ...origin, arrivals: () => arrivals };
}

describe('hellos that are alike', () => {
  const host = 'origin.test';

  it.each([
    [1, 3.5],
    [6, 4.5],
  ])('are refused as a loop where they come back, %s at a time', async (atATime, mostRounds) => {
    const origin = await open(wordOrigin('one'));
    let leadsTo = origin.port;
    const mapped = await open(mapping(() => leadsTo));
    const proxy = await start(fileFor(mapped.port));
    const wish = { door: 'transparent', host, port: 0 } as const;
    let heard: string[] = [];
    const traffic = keepVisiting(atATime, async () => heard.push(await visit(proxy, wish)));
    await untilRepeated(proxy, 'transparent');
    await traffic.stop();
    expect(new Set(heard)).toEqual(new Set(['one']));
    heard = [];
    const before = mapped.arrivals();
    leadsTo = proxy.port('transparent');
    const looping = keepVisiting(atATime, async () => heard.push(await visit(proxy, wish)));
    await expect.poll(() => heard.length, { interval: 5 }).toBeGreaterThanOrEqual(1_000);
    await looping.stop();
    expect(new Set(heard)).toEqual(new Set(['alert 80']));
    await proxy.tunnel({ reason: 'loop', outcome: 'refused' });
    // Three by the usual way. Those that are up before the first is found to be in a loop go round more often.
    expect((mapped.arrivals() - before) / heard.length).toBeLessThan(mostRounds);
    await expectNoneOnPortable(proxy, 'transparent');
  });

  it('are served where the origin asks for a second hello', async () => {
    const { cert, key } = makeCertificates([host]);
    const server = createTlsServer({ cert, key, ecdhCurve: 'P-384' }, (socket) => socket.end('one'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    const { port } = server.address() as AddressInfo; // A TCP server that listens has one.
    const proxy = await start(fileFor(port));
    for (let client = 0; client < 60; client += 1) {
      // Its one key share is for the first, so that the server has to ask for another.
      const socket = connectTls({
        port: proxy.port('transparent'),
        host: '127.0.0.1',
        servername: host,
        ...TWO_GROUPS,
      });
      socket.on('error', () => undefined);
      expect(await text(socket)).toBe('one');
    }
    await expect.poll(() => tunnelsIn(proxy.lines).length).toBe(60);
    expect(new Set(tunnelsIn(proxy.lines).map(({ outcome }) => outcome))).toEqual(new Set(['ok']));
  });

  it('lead to no address that was another answer before, however long it takes to answer', async () => {
    const delayMs = 30;
    const origin = await open(originPair(delayMs));
    let address = '127.0.0.1';
    const names = await nameServer(({ name, type }) => ({
      answers: type === 'A' ? [record('A', name, address, 1)] : [],
    }));
    const proxy = await start(withServer(fileFor(origin.port), names));
    const wish = { door: 'transparent', host: 'name.test', port: 0 } as const;
    // What comes in two pieces is decided anew, and may have been decided before the last answer when it comes up.
    const usual = keepVisiting(4, async () => {
      const client = await openClient(proxy.port('transparent'));
      const hello = freshHello(wish.host);
      for (const piece of [hello.subarray(0, 9), hello.subarray(9)])
        await new Promise((sent) => client.socket.write(piece, sent));
      await client.ended();
      client.socket.end();
    });
    let heardLast = '';
    let flips = 0;
    const wrong: string[] = [];
    const traffic = keepVisiting(4, async () => {
      const before = { heardLast, flips };
      const word = await visit(proxy, wish);
      if (before.flips !== flips) return;
      if (before.heardLast === wordAt(address) && word !== before.heardLast) wrong.push(word);
      heardLast = word;
    });
    for (; flips < 8; flips += 1) {
      address = flips % 2 === 0 ? '127.0.0.2' : '127.0.0.1';
      await expect.poll(() => heardLast, { interval: 5 }).toBe(wordAt(address));
      await isSoonRepeated(proxy, 'transparent');
    }
    await Promise.all([usual.stop(), traffic.stop()]);
    expect(wrong).toEqual([]);
    if (isRepeating) expect(await repeatedAt(proxy, 'transparent')).toBeGreaterThan(0);
    await expectNoneOnPortable(proxy, 'transparent');
  });

  it('are followed by no other name where the origin asks for a second one', async () => {
    let isAsking = false;
    let said = '';
    const origin = await open(
      tcpOrigin((socket) =>
        socket.on('data', (chunk) => {
          said += chunk.toString('latin1');
          if (isAsking) socket.write(helloRetryRequest);
          else socket.end('one');
        }),
      ),
    );
    const proxy = await start(fileFor(origin.port));
    const fresh = (): Buffer => randomFillSync(modernHello(host), RANDOM.at, RANDOM.length);
    const traffic = keepVisiting(2, async () => {
      const client = await openClient(proxy.port('transparent'));
      client.socket.write(fresh());
      await client.ended();
      client.socket.end();
    });
    await untilRepeated(proxy, 'transparent');
    await traffic.stop();
    isAsking = true;
    for (let number = 0; number < 3; number += 1) {
      const client = await openClient(proxy.port('transparent'));
      client.socket.write(fresh());
      await client.hears(helloRetryRequest.length);
      client.socket.write(modernHello('evil.test'));
      const { bytes } = await client.ended();
      expect(bytes.subarray(helloRetryRequest.length)).toEqual(Buffer.of(21, 3, 3, 0, 2, 2, 49));
    }
    expect(said).not.toContain('evil.test');
    await expectNoneOnPortable(proxy, 'transparent');
  });

  it('have one line each where the origin is slow to answer', async () => {
    let delayMs = 0;
    const origin = await open(
      tcpOrigin((socket) =>
        socket.once('data', () => setTimeout(() => socket.end('one'), delayMs)).on('end', () => undefined),
      ),
    );
    const proxy = await start(fileFor(origin.port));
    const wish = { door: 'transparent', host, port: 0 } as const;
    const heard: string[] = [];
    const traffic = keepVisiting(4, async () => heard.push(await visit(proxy, wish)));
    await untilRepeated(proxy, 'transparent');
    delayMs = 150;
    const before = heard.length;
    await expect.poll(() => heard.length, { interval: 5 }).toBeGreaterThan(before + 60);
    await traffic.stop();
    expect(new Set(heard)).toEqual(new Set(['one']));
    await expect.poll(() => tunnelsIn(proxy.lines).length).toBe(heard.length);
    const ends = new Set(
      tunnelsIn(proxy.lines).map(({ outcome, bytes_down }) => `${String(outcome)} ${String(bytes_down)}`),
    );
    expect(ends).toEqual(new Set(['ok 3']));
    await expectNoneOnPortable(proxy, 'transparent');
  });
});

const TWO_GROUPS = { ecdhCurve: 'X25519:P-384', rejectUnauthorized: false, minVersion: 'TLSv1.3' } as const;
