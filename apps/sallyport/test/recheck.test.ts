/** Ten thousand live tunnels are judged again after a reload, in slices between which the thread serves others. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMetrics } from '@sallyport/telemetry';
import type { LiveTunnel, TunnelFacts } from '@sallyport/tunnel-server';
import { afterAll, describe, expect, it } from 'vitest';
import { isDeniedNow } from '../src/judge-tunnel.ts';
import { recheckTunnels } from '../src/recheck.ts';
import { readSettings, type Settings } from '../src/settings.ts';

const TUNNELS = 10_000;
/** 100 ms are asked for, and 15 to 22 were measured; a slower machine has so many times what it takes to judge them all in one go. */
const CPU_MS = 200;
const TIMES = 5;
/** Of which most may be a pause of the garbage collector. */
const SLICE_CPU_MS = 50;

const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A hundred rules, of which the last allows two of three hosts. */
function settings(): Settings {
  const file = join(folder, 'sallyport.yaml');
  const others = Array.from({ length: 99 }, (_, n) => `{ name: r${n}, action: allow, hosts: ["*.zone${n}.example"] }`);
  writeFileSync(
    file,
    `listeners: [{ name: explicit, mode: connect, bind: "127.0.0.1:0" }]
policy:
  rules: [${others.join(', ')}, { name: last, action: allow, hosts: ["*.one.example", "*.two.example"] }]
`,
  );
  const result = readSettings(file, {});
  if (result.kind !== 'ok') throw new Error('the configuration is refused');
  return result.settings;
}

describe('live tunnels after a reload', () => {
  it('are judged ten thousand in a tenth of a second, and in slices', async () => {
    const inForce = settings();
    const ended: number[] = [];
    const isDenied = (facts: TunnelFacts): boolean => isDeniedNow(facts, inForce);
    const ledger = { live: () => tunnels(ended), opened: TUNNELS, isSettingUp: () => false };
    // Once for the compiler: a process that has served ten thousand tunnels is warm.
    await recheckTunnels({ ledger: { ...ledger, live: () => tunnels([]) }, isDenied, isCurrent: () => true });

    const inOneGoMs = cpuMsOf(() => {
      for (const tunnel of tunnels([])) {
        const facts = tunnel.facts();
        if (facts) isDenied(facts);
      }
    });
    const slices = watchSlices();
    const before = process.cpuUsage();
    const checked = await recheckTunnels({ ledger, isDenied, isCurrent: () => true });
    const { user, system } = process.cpuUsage(before);

    expect(checked).toEqual({ checked: TUNNELS, ended: Math.floor(TUNNELS / 3) });
    expect(ended.every((number) => number % 3 === 0)).toBe(true);
    const spentMs = (user + system) / 1000;
    expect(spentMs).toBeLessThan(Math.max(CPU_MS, TIMES * inOneGoMs));
    expect(slices.stop()).toBeGreaterThan(30);
    expect(slices.longestMs()).toBeLessThan(Math.max(SLICE_CPU_MS, spentMs / 2));
  });
});

function cpuMsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** What the process computes between two turns of its event loop. */
function watchSlices() {
  let count = 0;
  let longest = 0;
  let last = process.cpuUsage();
  const turn = (): void => {
    const { user, system } = process.cpuUsage(last);
    last = process.cpuUsage();
    longest = Math.max(longest, (user + system) / 1000);
    count += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  const stop = (): number => {
    clearImmediate(next);
    return count;
  };
  return { stop, longestMs: () => longest };
}

/** Each third of them is to a host that no rule allows any more. */
function* tunnels(ended: number[]): Iterable<LiveTunnel> {
  const metrics = createMetrics({ version: '0', engine: 'portable', binary: 'none' }).forListener('explicit');
  for (let number = 1; number <= TUNNELS; number++) {
    const facts = factsOf(number, metrics);
    yield {
      number,
      openedAt: 0,
      bytesUp: 0,
      bytesDown: 0,
      facts: () => facts,
      mentions: () => false,
      cut: () => ended.push(number),
    };
  }
}

function factsOf(number: number, metrics: TunnelFacts['door']['metrics']): TunnelFacts {
  const zone = ['zone', 'one', 'two'][number % 3] ?? '';
  return {
    number,
    door: { name: 'explicit', mode: 'connect', metrics },
    client: { host: `10.0.${number >> 8}.${number & 255}`, port: 40_000 },
    openedAt: 0,
    hasPlace: true,
    user: undefined,
    destination: { host: `www${number}.${zone}.example`, port: 443 },
    hello: undefined,
    helloPlace: -1,
    original: undefined,
    decision: undefined,
    hasDialled: true,
    egress: 'direct',
    upstream: { host: '1.1.1.1', port: 443 },
    resolveMs: 1,
    connectMs: 1,
    upAt: 0,
    status: 200,
    remark: undefined,
  };
}
