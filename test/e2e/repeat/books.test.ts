/** What the native engine repeats of the decisions that were made for a client is in all books: nobody but a metric can tell it from the usual way. */
import { afterEach, describe, expect, it } from 'vitest';
import { record } from '../../../packages/resolver/test/fake-name-server.ts';
import { echoOrigin } from '../harness/peers.ts';
import type { LogLine, Running } from '../harness/sallyport.ts';
import { DOORS, isRepeating, keepVisiting, repeatedAt, visit, wordOrigin } from '../harness/visits.ts';
import {
  closeAll,
  expectNoneOnPortable,
  fileFor,
  hold,
  nameServer,
  open,
  start,
  tunnelsIn,
  untilRepeated,
  warmUp,
  withServer,
} from './repeats.ts';

afterEach(closeAll);

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

describe.each(DOORS)('tunnels that are repeated at the %s door and go on', (door) => {
  const host = 'origin.test';
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
