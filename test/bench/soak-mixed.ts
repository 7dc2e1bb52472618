/**
 * The mixed part of the soak: short tunnels and downloads through both doors, slow clients, clients that leave early or vanish, destinations
 * that refuse, a reload every few seconds, and a process that is suspended now and then, all at once.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Load } from './load.ts';
import type { RunningProxy } from './peers/start.ts';
import { open } from './soak-client.ts';
import { suspend, vanish } from './soak-faults.ts';

export interface Mixed {
  readonly load: Load;
  readonly proxy: RunningProxy;
}

/** What has happened so far. */
export interface MixedCounts {
  tunnels: number;
  downloads: number;
  slowClients: number;
  refusals: number;
  reloads: number;
  vanished: number;
  suspensions: number;
  /** How often descriptors ran out. */
  exhaustions: number;
  /** Whatever went otherwise than it should. */
  errors: number;
}

export function noneYet(): MixedCounts {
  const traffic = { tunnels: 0, downloads: 0, slowClients: 0, refusals: 0, reloads: 0 };
  return { ...traffic, vanished: 0, suspensions: 0, exhaustions: 0, errors: 0 };
}

const SHORT_TUNNELS = 500;
const DOWNLOADS = 4;
const DOWNLOAD_BYTES = 8 * 1024 * 1024;
const SLOW_CLIENTS = 20;
const SLOW_BYTES = 12;
const SLOW_PAUSE_MS = 250;
const RELOAD_MS = 3_000;
const LIMIT_SECONDS = 120;
/** Where nobody listens. */
const CLOSED_PORT = 1;

/** Runs until the signal says to end it, and resolves when all has ended. Counts as it goes. */
export async function mixTraffic(mixed: Mixed, counts: MixedCounts, signal: AbortSignal): Promise<void> {
  const activities = [passShort, download, crawl, beRefused, reload, vanish, suspend];
  await Promise.all(
    activities.map(async (activity) => {
      while (!signal.aborted) {
        await attempt(activity, mixed, counts);
      }
    }),
  );
}

export type Activity = (mixed: Mixed, counts: MixedCounts) => Promise<void>;

/** What goes wrong is told and counted. */
export async function attempt(activity: Activity, mixed: Mixed, counts: MixedCounts): Promise<void> {
  await activity(mixed, counts).catch((cause: unknown) => {
    counts.errors += 1;
    process.stderr.write(`soak: ${cause instanceof Error ? cause.message : String(cause)}\n`);
  });
}

/** Has the proxy make the pipes that it keeps for the next bulk. */
export async function warmBulk(mixed: Mixed): Promise<void> {
  await Promise.all([download(mixed), download(mixed)]);
}

async function passShort({ load, proxy: { ports } }: Mixed, counts: MixedCounts): Promise<void> {
  const work = { workload: 'set-up', tunnels: SHORT_TUNNELS, at_once: 8, limit: LIMIT_SECONDS } as const;
  await Promise.all((['sni', 'connect'] as const).map((door) => load.run(door, ports[door], work)));
  counts.tunnels += 2 * SHORT_TUNNELS;
}

async function download({ load, proxy: { ports } }: Mixed, counts?: MixedCounts): Promise<void> {
  const work = { workload: 'download', tunnels: DOWNLOADS, bytes: DOWNLOAD_BYTES, limit: LIMIT_SECONDS } as const;
  for (const door of ['sni', 'connect'] as const) await load.run(door, ports[door], work);
  if (counts) counts.downloads += 2 * DOWNLOADS;
}

/** A head that comes byte by byte and never ends; the client leaves by a FIN or by an RST. */
async function crawl({ proxy: { ports } }: Mixed, counts: MixedCounts): Promise<void> {
  const crawlers = await Promise.all(Array.from({ length: SLOW_CLIENTS }, () => open(ports.connect)));
  for (const byte of 'CONNECT origin.test:443 HTTP/1.1'.slice(0, SLOW_BYTES)) {
    for (const socket of crawlers) socket.write(byte);
    await delay(SLOW_PAUSE_MS);
  }
  crawlers.forEach((socket, index) => (index % 2 === 0 ? socket.destroy() : socket.resetAndDestroy()));
  counts.slowClients += SLOW_CLIENTS;
}

async function beRefused({ proxy: { ports } }: Mixed, counts: MixedCounts): Promise<void> {
  const socket = await open(ports.connect);
  socket.write(`CONNECT 127.0.0.1:${CLOSED_PORT} HTTP/1.1\r\nHost: 127.0.0.1:${CLOSED_PORT}\r\n\r\n`);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  if (!answer.startsWith('HTTP/1.1 502 '))
    throw new Error(`a port that is closed was answered: ${answer.slice(0, 80)}`);
  counts.refusals += 1;
  await delay(20);
}

/** Each with another limit, so that something changes. */
async function reload({ proxy: { pid } }: Mixed, counts: MixedCounts): Promise<void> {
  const file = `/proc/${pid}/cwd/sallyport.yaml`;
  const limit = counts.reloads % 2 === 0 ? 19_999 : 20_000;
  writeFileSync(file, readFileSync(file, 'utf8').replace(/limits: \{ tunnels: \d+/, `limits: { tunnels: ${limit}`));
  process.kill(pid, 'SIGHUP');
  counts.reloads += 1;
  await delay(RELOAD_MS);
}
