/** Limits count the tunnels of all doors, and what the engine repeats at one of them heeds the others. */
import { afterEach, describe, expect, it } from 'vitest';
import { testedRuntime } from '../harness/config-text.ts';
import { type Client, echoOrigin, openClient, openTunnel, type Origin } from '../harness/peers.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

let origin: Origin;
let proxy: Running;
const clients: Client[] = [];

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  origin.close();
  await proxy.stop();
});

// Doors that check server names, or read PROXY headers, repeat nothing by themselves.
const YAML = `listeners:
  - { name: plain, mode: connect, bind: "127.0.0.1:0" }
  - { name: own, mode: connect, bind: "127.0.0.1:0", limits: { tunnels: 100000 } }
  - { name: checked, mode: connect, bind: "127.0.0.1:0", verify_sni: report }
  - { name: behind, mode: connect, bind: "127.0.0.1:0", proxy_protocol: ["127.0.0.1"] }
limits: { tunnels: 200, tunnels_per_client: 100000 }
admin: { bind: "127.0.0.1:0" }
runtime: ${testedRuntime()}
policy:
  rules: [{ name: tests, action: allow }]
  destinations: { allow: [loopback] }
`;

describe('tunnels that the engine repeats', () => {
  it.each([
    ['checked', 'has taken it', () => open('checked', 110)],
    ['behind', 'awaits the PROXY headers of so many', () => openSilent('behind', 110)],
  ])('end with the half of a limit, where the door %s %s', async (_door, _how, takeHalf) => {
    origin = await echoOrigin();
    proxy = await startSallyport(YAML);
    await expect
      .poll(async () => (await open('plain', 20, 'to close'), repeated('plain')), { timeout: 20_000 })
      .toBeGreaterThan(0);
    await takeHalf();
    await expectNoMore('plain');
  });

  it('end with the half of a limit, where their door has one of its own, for their tunnels count for the others, too', async () => {
    origin = await echoOrigin();
    proxy = await startSallyport(YAML);
    await expect
      .poll(async () => (await open('own', 20, 'to close'), repeated('own')), { timeout: 20_000 })
      .toBeGreaterThan(0);
    await open('own', 110);
    await expectNoMore('own', 110);
  });
});

/** Where the door holds so many tunnels, further ones are not repeated. */
async function expectNoMore(door: string, held = 0): Promise<void> {
  const active = (): Promise<number | undefined> => proxy.metric(`tunnels_active{listener="${door}"}`);
  await expect.poll(active, { timeout: 20_000 }).toBe(held);
  const before = await repeated(door);
  await open(door, 20);
  await expect.poll(active, { timeout: 20_000 }).toBe(held + 20);
  expect(await repeated(door)).toBe(before);
}

/** One after the other. */
async function open(door: string, count: number, fate?: 'to close'): Promise<void> {
  for (let number = 0; number < count; number++) {
    const client = await openTunnel(proxy.port(door), `127.0.0.1:${origin.port}`);
    if (fate === undefined) clients.push(client);
    else client.socket.destroy();
  }
}

/** Resolves once the proxy knows of them. */
async function openSilent(door: string, count: number): Promise<void> {
  for (let number = 0; number < count; number++) clients.push(await openClient(proxy.port(door)));
  await expect
    .poll(() => proxy.metric(`tunnels_limit_used{listener="${door}"}`), { timeout: 20_000 })
    .toBeGreaterThanOrEqual(count);
}

async function repeated(door: string): Promise<number> {
  return (await proxy.metric(`repeated_tunnels_total{listener="${door}"}`)) ?? 0;
}
