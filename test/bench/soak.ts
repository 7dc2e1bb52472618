/**
 * The soak: very many short tunnels, then many idle ones for a while, then all kinds of traffic at once. Afterwards Sallyport must use as much
 * as before.
 *
 * Needs what the benchmark needs. `npm run soak -- --help` lists the options.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Held, type Load, startLoad } from './load.ts';
import { requireMachine } from './machine.ts';
import { findPeers } from './peers/all.ts';
import type { Door } from './peers/peer.ts';
import { type RunningProxy, startProxy } from './peers/start.ts';
import { proxyCore } from './places.ts';
import { exhaust } from './soak-faults.ts';
import { attempt, mixTraffic, noneYet, warmBulk } from './soak-mixed.ts';
import { readSoakOptions, type SoakOptions } from './soak-options.ts';
import {
  type Allowance,
  type Base,
  excessOf,
  mebibytes,
  readBase,
  type Reading,
  readSettled,
  readSubject,
  type Subject,
} from './soak-reading.ts';

const doors: readonly Door[] = ['sni', 'connect'];

/** Between two readings, through both doors together. */
const BATCH = 20_000;
/** Short tunnels before the base: so many at most, twice. */
const WARM_UPS = 50_000;
const READINGS_WHILE_IDLE = 10;
const READINGS_WHILE_MIXED = 10;
/** The load's own time limit, beyond the time that it holds its tunnels. */
const OPENING_SECONDS = 300;

interface Soak {
  readonly options: SoakOptions;
  readonly load: Load;
  readonly proxy: RunningProxy;
  /** Of the warm proxy. */
  readonly base: Base;
}

await main();

async function main(): Promise<void> {
  // A signal ends the process by way of `exit`, where everything that was started is ended too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  try {
    const options = readSoakOptions(process.argv.slice(2));
    requireMachine();
    await soak(options);
    process.stdout.write('everything returned to where it was\n');
    process.exit(0);
  } catch (cause) {
    process.stderr.write(`soak: ${cause instanceof Error ? cause.message : String(cause)}\n`);
    process.exit(1);
  }
}

async function soak(options: SoakOptions): Promise<void> {
  const load = await startLoad();
  const proxy = await startSallyport(options, load);
  print(['', 'descriptors', 'pipes', 'PSS, MiB', 'RSS, MiB', 'threads', 'tunnels_active', 'errors']);
  const fresh = await readSubject(subjectOf(proxy));
  printReading('ready', fresh);
  await warmUp(options, load, proxy);
  const base = await readBase(subjectOf(proxy), fresh);
  printReading('warm: the base', base);
  await passShortTunnels({ options, load, proxy, base });
  if (options.idle > 0) await holdIdleTunnels({ options, load, proxy, base });
  if (options.mixed > 0) await mix({ options, load, proxy, base });
  proxy.stop();
  load.stop();
}

async function startSallyport({ engine }: SoakOptions, { originPort }: Load): Promise<RunningProxy> {
  const [peer] = findPeers([`sallyport-${engine}`]);
  if (peer?.found.kind !== 'present') throw new Error(peer?.found.why ?? `no engine ${engine}`);
  return startProxy(peer.found, { doors, originPort, cores: proxyCore });
}

/** Does once everything that the soak does: what a proxy makes once, and memory that it keeps for the next tunnels, is in the base. */
async function warmUp({ tunnels, idle, mixed }: SoakOptions, load: Load, proxy: RunningProxy): Promise<void> {
  const warmUps = Math.min(WARM_UPS, tunnels);
  await openAndClose(load, proxy, warmUps);
  await release(await hold(load, proxy, { idle, minutes: 0 }));
  if (mixed > 0) await warmBulk({ load, proxy });
  await openAndClose(load, proxy, warmUps);
}

async function passShortTunnels({ options, load, proxy, base }: Soak): Promise<void> {
  let passed = 0;
  while (passed < options.tunnels) {
    const batch = Math.min(BATCH, options.tunnels - passed);
    await openAndClose(load, proxy, batch);
    passed += batch;
    await requireReturn(`${passed.toLocaleString('en')} tunnels passed`, proxy, { base, held: 0, ...options });
  }
}

async function holdIdleTunnels({ options, load, proxy, base }: Soak): Promise<void> {
  const { idle, minutes } = options;
  const held = await hold(load, proxy, options);
  for (let reading = 0; reading <= READINGS_WHILE_IDLE; reading++) {
    if (reading > 0) await delay((minutes * 60_000) / READINGS_WHILE_IDLE);
    const minute = ((minutes * reading) / READINGS_WHILE_IDLE).toFixed(1);
    const step = `${idle.toLocaleString('en')} idle for ${minute} min`;
    await requireReturn(step, proxy, { base, held: idle, ...options });
  }
  await release(held);
  await requireReturn('all closed', proxy, { base, held: 0, ...options });
}

async function mix({ options, load, proxy, base }: Soak): Promise<void> {
  const counts = noneYet();
  for (let reading = 1; reading <= READINGS_WHILE_MIXED; reading++) {
    const ending = new AbortController();
    const mixed = mixTraffic({ load, proxy }, counts, ending.signal);
    await delay((options.mixed * 60_000) / READINGS_WHILE_MIXED);
    const minute = ((options.mixed * reading) / READINGS_WHILE_MIXED).toFixed(1);
    printReading(`mixed for ${minute} min`, await readSubject(subjectOf(proxy)), counts.errors);
    ending.abort();
    await mixed;
    // By itself: whatever else wants a tunnel meanwhile would be refused too.
    await attempt(exhaust, { load, proxy }, counts);
  }
  await requireReturn('mixed traffic over', proxy, { base, held: 0, ...options });
  const told = Object.entries<number>({ ...counts }).map(([what, count]) => `${what} ${count.toLocaleString('en')}`);
  process.stdout.write(`${told.join(', ')}\n`);
  if (counts.errors > 0) throw new Error(`${counts.errors} of the mixed traffic went wrong`);
}

/** Through both doors at once. */
async function openAndClose(load: Load, { ports }: RunningProxy, tunnels: number): Promise<void> {
  await Promise.all(
    halves(tunnels).map(([door, half]) =>
      load.run(door, ports[door], { workload: 'set-up', tunnels: half, at_once: 32, limit: OPENING_SECONDS }),
    ),
  );
}

async function hold(
  load: Load,
  { ports }: RunningProxy,
  { idle, minutes }: Pick<SoakOptions, 'idle' | 'minutes'>,
): Promise<readonly Held[]> {
  const limit = OPENING_SECONDS + Math.ceil(minutes * 60);
  return Promise.all(halves(idle).map(([door, tunnels]) => load.hold(door, ports[door], { tunnels, limit })));
}

/** Rejects when a tunnel was cut while it was held. */
async function release(held: readonly Held[]): Promise<void> {
  await Promise.all(held.map((each) => each.release()));
}

function halves(tunnels: number): readonly (readonly [Door, number])[] {
  const half = Math.floor(tunnels / 2);
  const both = [
    ['sni', tunnels - half],
    ['connect', half],
  ] as const;
  return both.filter(([, count]) => count > 0);
}

async function requireReturn(step: string, proxy: RunningProxy, allowance: Allowance): Promise<void> {
  const reading = await readSettled(subjectOf(proxy), allowance);
  printReading(step, reading);
  const excess = excessOf(reading, allowance);
  if (excess !== undefined) throw new Error(`${step}: ${excess}`);
}

function subjectOf({ pid, sparePort }: RunningProxy): Subject {
  return { pid, adminPort: sparePort };
}

function printReading(step: string, reading: Reading, errors = 0): void {
  const { descriptors, pipes, pssBytes, rssBytes, threads, tunnelsActive } = reading;
  const cells = [descriptors, pipes, mebibytes(pssBytes), mebibytes(rssBytes), threads, tunnelsActive, errors];
  print([step, ...cells.map(String)]);
}

function print([step = '', ...cells]: readonly string[]): void {
  process.stdout.write(`${step.padEnd(28)}${cells.map((cell) => cell.padStart(16)).join('')}\n`);
}
