/** The figures that a soak reads from the proxy, and the limits that they must keep. */
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { pssBytes, quietCpuSeconds, rssBytes } from './measure.ts';
import { MIB } from './scenarios/scenario.ts';

export interface Reading {
  readonly descriptors: number;
  /** Ends of pipes among them. */
  readonly pipes: number;
  readonly pssBytes: number;
  readonly rssBytes: number;
  readonly threads: number;
  /** What tunnels_active of /metrics says, over all listeners. */
  readonly tunnelsActive: number;
}

/** The reading to which later ones must return. */
export interface Base extends Reading {
  /** Ends of pipes, with all that an engine may keep for the next bulk. */
  readonly mostPipes: number;
}

/** How far a reading may be from the base. */
export interface Allowance {
  readonly base: Base;
  readonly growBytes: number;
  /** Tunnels that are open and idle. */
  readonly held: number;
}

/** Where to read. */
export interface Subject {
  readonly pid: number;
  readonly adminPort: number;
}

/** For what a tunnel's end leaves to do: closing, counting, giving memory back. */
const SETTLE_MS = 15_000;
const SCRAPE_MS = 5_000;

/** Two for each pipe of the native engine's pool: how many of them it has come to need is chance, its cap is not. */
const KEPT_PIPE_ENDS = 2 * 32;

/** Of user space, far above what the engines take: 7 and 10 KiB. */
const HELD_BYTES = 32 * 1024;

export async function readSubject({ pid, adminPort }: Subject): Promise<Reading> {
  const tunnelsActive = await scrapeTunnelsActive(adminPort);
  const descriptors = readdirSync(`/proc/${pid}/fd`);
  return {
    descriptors: descriptors.length,
    pipes: descriptors.filter((fd) => isPipe(`/proc/${pid}/fd/${fd}`)).length,
    pssBytes: pssBytes(pid),
    rssBytes: rssBytes(pid),
    threads: readdirSync(`/proc/${pid}/task`).length,
    tunnelsActive,
  };
}

/**
 * The reading of a proxy that is warm, without tunnels and quiet.
 * @param fresh the reading before anything was passed
 */
export async function readBase(subject: Subject, fresh: Reading): Promise<Base> {
  const mostPipes = fresh.pipes + KEPT_PIPE_ENDS;
  const anything = { ...fresh, descriptors: Infinity, mostPipes };
  await readSettled(subject, { base: anything, growBytes: Infinity, held: 0 });
  await quietCpuSeconds(subject.pid);
  return { ...(await readSubject(subject)), mostPipes };
}

/** The first reading that has nothing against it; the last one, where that does not come. */
export async function readSettled(subject: Subject, allowance: Allowance): Promise<Reading> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const reading = await readSubject(subject);
    if (excessOf(reading, allowance) === undefined || performance.now() > deadline) return reading;
    await delay(200);
  }
}

/** What did not return to where it was. */
export function excessOf(reading: Reading, { base, growBytes, held }: Allowance): string | undefined {
  const { tunnelsActive, descriptors, pipes } = reading;
  if (tunnelsActive !== held) return `${tunnelsActive} tunnels are live where ${held} are open`;
  // While tunnels are held, how many descriptors one takes is the engine's affair.
  const [others, before] = [descriptors - pipes, base.descriptors - base.pipes];
  if (held === 0 && others > before) return `${others} descriptors beside pipes, ${before} before`;
  if (held === 0 && pipes > base.mostPipes) return `${pipes} ends of pipes, more than the ${base.mostPipes} to keep`;
  const grown = reading.pssBytes - base.pssBytes;
  const bound = growBytes + held * HELD_BYTES;
  if (grown > bound) return `PSS has grown by ${mebibytes(grown)} MiB, more than ${mebibytes(bound)}`;
  return undefined;
}

/** False too of one that was closed meanwhile. */
function isPipe(link: string): boolean {
  try {
    return readlinkSync(link).startsWith('pipe:');
  } catch {
    return false;
  }
}

export function mebibytes(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

async function scrapeTunnelsActive(port: number): Promise<number> {
  // A connection that is kept alive would be one more descriptor of the proxy's.
  const headers = { connection: 'close' };
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers, signal: AbortSignal.timeout(SCRAPE_MS) });
  const samples = [...(await response.text()).matchAll(/^sallyport_tunnels_active\{.*\} (\d+)$/gm)];
  if (samples.length === 0) throw new Error('/metrics tells no tunnels_active');
  return samples.reduce((sum, [, live]) => sum + Number(live), 0);
}
