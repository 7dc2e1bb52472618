import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '@sallyport/telemetry';
import { listTexts } from '../../src/account/resting-facts.ts';
import { RestingTunnels } from '../../src/account/resting-tunnels.ts';
import type { TunnelFacts } from '../../src/account/tunnel-facts.ts';

const metrics = createMetrics({ version: '0', engine: 'portable', binary: 'none' }).forListener('explicit');
const door = { name: 'explicit', mode: 'connect', metrics } as const;

const port = fc.integer({ min: 1, max: 65_535 });
const host = fc.constantFrom('10.0.0.7', '2001:db8::1', 'registry.example.com', 'a');
const point = fc.record({ host, port });
const ms = fc.double({ min: 0, max: 1e7, noNaN: true });
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

const facts: fc.Arbitrary<TunnelFacts> = fc.record({
  number: fc.nat({ max: 2 ** 50 }),
  door: fc.constant(door),
  client: point,
  openedAt: ms,
  hasPlace: fc.boolean(),
  helloPlace: fc.integer({ min: -1, max: 4_095 }),
  user: maybe(fc.constantFrom('ci', 'build machine', 'Zoë')),
  destination: maybe(point),
  hello: maybe(
    fc.record({
      sni: maybe(host),
      alpn: fc.array(fc.string()),
      alpnDropped: fc.nat({ max: 2 }),
      tls: fc.constantFrom('TLSv1.2', 'TLSv1.3'),
      ech: fc.boolean(),
    }),
  ),
  original: maybe(point),
  decision: maybe(fc.constant({ rule: 'builds', decision: 'allow' } as const)),
  hasDialled: fc.constant(true),
  egress: fc.constantFrom('direct', 'corp'),
  upstream: maybe(point),
  resolveMs: maybe(ms),
  connectMs: maybe(ms),
  upAt: maybe(ms),
  status: maybe(fc.constantFrom(101, 200)),
  remark: maybe(fc.constant('The name has another address.')),
});

describe('tunnels at rest', () => {
  it('come back as they were written down, whatever their number and what ALPN they offer, their texts shared or not', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.nat({ max: 5_000 }), facts, fc.boolean()), { selector: ([tunnel]) => tunnel }),
        (all) => {
          const resting = new RestingTunnels();
          for (const [tunnel, each, isShared] of all) resting.put(tunnel, isShared ? sharing(each) : each);
          expect(resting.count).toBe(all.length);
          expect([...resting.numbers()].sort(byValue)).toEqual(all.map(([tunnel]) => tunnel).sort(byValue));
          for (const [tunnel, each] of all) {
            expect(copyOf(resting.read(tunnel))).toEqual(each);
            expect(copyOf(resting.take(tunnel))).toEqual(each);
            expect(resting.take(tunnel)).toBeUndefined();
          }
          expect(resting.count).toBe(0);
        },
      ),
    );
  });

  it('are told apart by what their hellos offer, however many kinds there are', () => {
    const resting = new RestingTunnels();
    for (let tunnel = 0; tunnel < 3_000; tunnel++) resting.put(tunnel, { ...sample(), hello: helloOf(tunnel) });
    for (let tunnel = 0; tunnel < 3_000; tunnel++) expect(resting.take(tunnel)?.hello).toEqual(helloOf(tunnel));
  });

  it.each([
    ['joined', (each: TunnelFacts) => each],
    ['shared', sharing],
  ])('are found by what an operator knows of them, and by nothing else, their texts %s', (_, held) => {
    const resting = new RestingTunnels();
    const remark = 'The name has another address.';
    resting.put(0, held({ ...sample(), user: 'ci', destination: { host: 'a.example', port: 1 }, remark }));
    expect(['ci', 'a.exam', 'explicit'].map((text) => resting.read(0)?.mentions(text))).toEqual([true, true, true]);
    expect(['another', '=', '\0', 'nobody'].map((text) => resting.read(0)?.mentions(text))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(resting.read(1)).toBeUndefined();
  });

  it('give back what they have in common with the last of them', async () => {
    const resting = new RestingTunnels();
    const doors = Array.from({ length: 20 }, () => ({ ...door }));
    const offers = doors.map((own, tunnel) => {
      const hello = helloOf(tunnel);
      resting.put(tunnel, { ...sample(), door: own, hello });
      return new WeakRef(hello.alpn);
    });
    for (const [tunnel] of doors.entries()) resting.take(tunnel);
    doors.length = 0;
    expect(offers.some((offer) => offer.deref() !== undefined)).toBe(true);

    // A WeakRef that was read holds until the end of its turn.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();

    // All but the kind of the latest tunnel, which the next one is likely to be of.
    expect(offers.filter((offer) => offer.deref() !== undefined).length).toBeLessThanOrEqual(1);
  });
});

const [first] = fc.sample(facts, 1);
const KEYS = Object.keys(sample()) as (keyof TunnelFacts)[];

/** Facts at rest are read when they are asked for: a comparison needs them all. */
function copyOf(resting: TunnelFacts | undefined): unknown {
  return Object.fromEntries(KEYS.map((key) => [key, resting?.[key]]));
}

/** As a tunnel has them that is like many others. */
function sharing(each: TunnelFacts): TunnelFacts {
  return { ...each, texts: listTexts(each) };
}

function sample(): TunnelFacts {
  if (!first) throw new Error('no sample');
  return first;
}

const helloOf = (tunnel: number) => ({
  sni: 'a',
  tls: 'TLSv1.3',
  ech: false,
  alpn: [`stranger-${tunnel}`],
  alpnDropped: tunnel % 3,
});

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc()');
}

const byValue = (a: number, b: number): number => a - b;
