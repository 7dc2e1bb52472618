/** What ends the repeating of a decision: a reload, a drain, a takeover, another address, a dial that fails. */
import { afterEach, describe, expect, it } from 'vitest';
import { record } from '../../../packages/resolver/test/fake-name-server.ts';
import { testedRuntime } from '../harness/config-text.ts';
import { type Client, echoOrigin, openClient } from '../harness/peers.ts';
import { freePort } from '../harness/ports.ts';
import type { LogLine, Running } from '../harness/sallyport.ts';
import { DOORS, type DoorName, isRepeating, keepVisiting, repeatedAt, visit, wordOrigin } from '../harness/visits.ts';
import {
  closeAll,
  closers,
  expectNoneOnPortable,
  fileFor,
  hold,
  isSoonRepeated,
  nameServer,
  open,
  originPair,
  start,
  tunnelsIn,
  untilRepeated,
  withServer,
  wordAt,
} from './repeats.ts';

afterEach(closeAll);

const REFUSED: Readonly<Record<DoorName, string>> = { explicit: '403', transparent: 'alert 49' };
// Each round is two reloads. Where nothing is repeated no answer can be late by a race, only by a mistake.
const ROUNDS = isRepeating ? 10 : 3;

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
