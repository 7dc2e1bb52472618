/** What tests of the repeating of decisions share: a proxy and its peers, which end with each test, and when something was repeated. */
import { expect } from 'vitest';
import { type FakeNameServer, startNameServer } from '../../../packages/resolver/test/fake-name-server.ts';
import { configText, type ConfigParts } from '../harness/config-text.ts';
import { type Client, type Origin, tcpOrigin } from '../harness/peers.ts';
import { type LogLine, type Running, startSallyport } from '../harness/sallyport.ts';
import {
  type DoorName,
  isRepeating,
  keepVisiting,
  knock,
  repeatedAt,
  type Wish,
  wordOrigin,
} from '../harness/visits.ts';

/** What ends with the test, the newest first. */
export const closers: (() => unknown)[] = [];

/** For after each test. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** @param under a command line that runs it */
export async function start(
  yaml: string,
  env: Readonly<Record<string, string>> = {},
  under: readonly string[] = [],
): Promise<Running> {
  const proxy = await startSallyport(yaml, { env, under });
  closers.push(() => proxy.stop());
  return proxy;
}

export async function open<Peer extends { close(): unknown }>(opened: Promise<Peer>): Promise<Peer> {
  const peer = await opened;
  closers.push(() => peer.close());
  return peer;
}

export async function nameServer(...script: Parameters<typeof startNameServer>): Promise<FakeNameServer> {
  const names = await startNameServer(...script);
  closers.push(() => names.stop());
  return names;
}

/** Both doors lead to this port. */
export const fileFor = (port: number, parts: ConfigParts = {}): string =>
  configText({ ...parts, transparent: [`port: ${port}`, ...(parts.transparent ?? [])] });

export const withServer = (yaml: string, names: FakeNameServer): string =>
  yaml.replace(/^dns: .*$/m, `dns: { servers: ["127.0.0.1:${names.address.port}"] }`);

/** Resolves once the engine has repeated another tunnel; on the portable one at once. */
export async function untilRepeated(proxy: Running, door: DoorName): Promise<void> {
  if (!isRepeating) return;
  const before = await repeatedAt(proxy, door);
  await expect.poll(() => repeatedAt(proxy, door), { interval: 5 }).toBeGreaterThan(before);
}

/** The same, but for a moment only: on a busy machine one dial may be slow, and then its like is not repeated for a while. */
export async function isSoonRepeated(proxy: Running, door: DoorName): Promise<boolean> {
  const before = await repeatedAt(proxy, door);
  for (const until = performance.now() + (isRepeating ? 1_000 : 0); performance.now() < until;)
    if ((await repeatedAt(proxy, door)) > before) return true;
  return false;
}

export async function expectNoneOnPortable(proxy: Running, door: DoorName): Promise<void> {
  if (!isRepeating) expect(await repeatedAt(proxy, door)).toBe(0);
}

export const tunnelsIn = (lines: readonly LogLine[]): readonly LogLine[] => lines.filter(({ msg }) => msg === 'tunnel');

/** Both words of the two origins come from one port, so long after the first byte. */
export async function originPair(delayMs = 0): Promise<Origin> {
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

/** The word of the origin of the pair at an address. */
export const wordAt = (address: string): string => (address === '127.0.0.1' ? 'one' : 'two');

/** Opens a tunnel to an echo and holds it. Undefined where it was refused. */
export async function hold(proxy: Running, wish: Wish): Promise<Client | undefined> {
  const client = await knock(proxy, wish);
  closers.push(() => client.socket.destroy());
  const opening = await client.hears(wish.door === 'explicit' ? '\r\n\r\n' : 7);
  // At the transparent door the echo sends back the hello.
  return opening[0] === 22 || opening.toString().startsWith('HTTP/1.1 200 ') ? client : undefined;
}

/** Visits until the engine repeats. An echo leaves once its client does. */
export async function warmUp(proxy: Running, wish: Wish): Promise<void> {
  const traffic = keepVisiting(1, async () => {
    const client = await knock(proxy, wish);
    await client.hears(wish.door === 'explicit' ? '\r\n\r\n' : 7);
    client.socket.end();
    await client.ended();
  });
  await untilRepeated(proxy, wish.door);
  await traffic.stop();
}
