/** Slowloris at both doors: clients that begin and never come to an end, by the thousand. */
import { afterEach, describe, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { helloFor } from '../harness/hello.ts';
import { type Load, startLoad } from '../harness/load.ts';
import { descriptorsOf } from '../harness/process-facts.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

const loads: Load[] = [];
let proxy: Running | undefined;
/** One that has no slow clients. */
let quiet: Running | undefined;

afterEach(async () => {
  for (const load of loads.splice(0)) load.kill();
  await Promise.all([proxy?.stop(), quiet?.stop()]);
  quiet = undefined;
});

const start = (...args: Parameters<typeof startLoad>): Load => {
  const load = startLoad(...args);
  loads.push(load);
  return load;
};

/** What a dripping client says: a beginning, and then more of the same that never completes it. */
const openings = {
  explicit: { opening: Buffer.from('CONNECT origin.test:443 HTTP/1.1\r\nX: ').toString('hex'), drip: '61' },
  // A handshake record of 8 KiB with a ClientHello that fills it: within the limit, and never whole.
  transparent: { opening: '1603012000' + '01001ffc' + '0303', drip: '00' },
} as const;

const DOORS = ['explicit', 'transparent'] as const;

const p99 = (sorted: readonly number[]): number => sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Infinity;

describe('slow clients', () => {
  it('cost honest ones next to nothing: with 5,000 half-open handshakes the p99 of a set-up stays under 50 ms, or five times that without', async () => {
    const honest = start('honest');
    const { originPort } = await honest.next();
    const text = configText({
      transparent: [`port: ${Number(originPort)}`],
      more: 'limits: { tunnels_per_client: 20000 }\ntimeouts: { handshake: 1h }',
    });
    const crowded = (proxy = await startSallyport(text));
    quiet = await startSallyport(text);
    for (const door of DOORS) {
      const crowd = start('crowd', { port: crowded.port(door), count: 2500, everyMs: 4000, ...openings[door] });
      expect(await crowd.next()).toEqual({ held: 2500 });
    }
    await expect
      .poll(() => crowded.metric('handshakes_active{listener="transparent"}'), { timeout: 30_000 })
      .toBe(2500);

    const p99At = async (one: Running): Promise<number> => {
      const doors = { explicit: one.port('explicit'), transparent: one.port('transparent') };
      honest.tell({ ...doors, count: 200, hello: helloFor('origin.test').toString('hex') });
      const { setUpMs } = await honest.next();
      return p99(setUpMs as number[]); // As load/honest.js sends it.
    };
    let [best, bestOfQuiet] = [Infinity, 0];
    // Other tests run beside this one: of several rounds the best tells what the proxy can do.
    const bound = (): number => Math.max(50, 5 * bestOfQuiet);
    for (let round = 0; round < 6 && best >= bound(); round += 1) {
      best = Math.min(best, await p99At(crowded));
      const ofQuiet = await p99At(quiet);
      bestOfQuiet = round === 0 ? ofQuiet : Math.min(bestOfQuiet, ofQuiet);
    }
    expect(best).toBeLessThan(bound());
  }, 90_000);

  it.each(DOORS)(
    'are closed half a second after the deadline at the latest, every one of 1,000 at the %s door',
    async (door) => {
      const running = (proxy = await startSallyport(
        configText({ more: 'limits: { tunnels_per_client: 20000 }\ntimeouts: { handshake: 2s }' }),
      ));
      const before = descriptorsOf(running);
      let slowest = Infinity;
      for (let round = 0; round < 3 && slowest > 2500; round += 1) {
        const mark = running.lines.length;
        const crowd = start('crowd', { port: running.port(door), count: 1000, everyMs: 1000, ...openings[door] });
        await crowd.next();
        const { ages } = await crowd.next();
        expect(Math.min(...(ages as number[]))).toBeGreaterThanOrEqual(1000); // As load/crowd.js sends it.
        // The crowd may learn of a connection later than the proxy did, on a busy machine by a good deal: so the proxy is asked.
        const lives = (): readonly number[] =>
          running.lines
            .slice(mark)
            .flatMap(({ reason, duration_ms: ms }) => (reason === 'handshake_timeout' ? [Number(ms)] : []));
        await expect.poll(() => lives().length, { timeout: 30_000 }).toBe(1000);
        slowest = Math.max(...lives());
      }
      expect(slowest).toBeLessThanOrEqual(2500);
      await expect.poll(() => descriptorsOf(running), { timeout: 30_000 }).toBeLessThanOrEqual(before);
      expect(await running.metric(`handshakes_active{listener="${door}"}`)).toBe(0);
    },
    60_000,
  );
});
