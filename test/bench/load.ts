/** The load generator and the origin: compiled where a source is newer, and pinned to the load's core. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cpuSeconds } from './measure.ts';
import { buildFolder, loadCore, loadSources, serverName } from './places.ts';
import type { Door } from './peers/peer.ts';

/** What load.c takes. */
export interface Work {
  /** Where the door is, if not on loopback. */
  readonly address?: string;
  readonly workload: 'set-up' | 'download' | 'upload' | 'ping-pong' | 'hold';
  readonly tunnels: number;
  readonly at_once?: number;
  readonly rate?: number;
  readonly bytes?: number;
  readonly rounds?: number;
  readonly limit?: number;
  /** Where an explicit door is asked to connect to, if not to the origin. */
  readonly connect?: number;
  /** 1: the clients are behind a balancer, which tells of them by a PROXY header. */
  readonly header?: number;
}

/** What load.c prints. */
interface Printed {
  readonly seconds: number;
  /** Of the load generator alone. */
  readonly cpu_seconds: number;
  readonly p50_us: number;
  readonly p99_us: number;
}

export interface Outcome extends Printed {
  /** How much of the load's core the load generator and the origin took: near 100 % they set the pace, not the proxy. */
  readonly loadCorePercent: number;
}

/** Tunnels to hold. */
export interface Idle {
  readonly tunnels: number;
  /** The load ends, with the tunnels, this many seconds after its start; 120 without it. */
  readonly limit?: number;
}

/** Tunnels that stay open until released. */
export interface Held {
  /** Rejects when one of them was cut while it was idle. */
  release(): Promise<void>;
}

export interface Load {
  readonly originPort: number;
  /** Rejects when any tunnel failed: a figure of a proxy that fails is none. */
  run(door: Door, port: number, work: Work): Promise<Outcome>;
  hold(door: Door, port: number, idle: Idle): Promise<Held>;
  stop(): void;
}

/** Where client and origin are: each has a program with arguments to become what it is, `ip netns exec NAME` and the like. */
export interface Site {
  readonly client: readonly string[];
  readonly origin: readonly string[];
  /** On every address of the origin's; without it, on loopback at a port that the kernel chooses. */
  readonly originPort?: number;
}

/** Compiles what is needed and starts the origin. */
export async function startLoad(site: Site = { client: [], origin: [] }): Promise<Load> {
  compile('origin', ['origin.c', 'hello.c', 'sockets.c']);
  compile('load', ['load.c', 'loop.c', 'door.c', 'workloads.c', 'hello.c', 'sockets.c']);
  const origin = startPinned(site.origin, 'origin', site.originPort === undefined ? [] : [String(site.originPort)]);
  const originPort = numberIn(await firstLine(origin), 'port');
  const begin = (door: Door, port: number, work: Work): ChildProcess =>
    startPinned(site.client, 'load', argumentsOf(work, port, door === 'connect' ? originPort : undefined));
  return {
    originPort,
    run: async (door, port, work) => {
      const before = originCpuSeconds(origin);
      const printed = readPrinted(await firstLine(begin(door, port, work)), work);
      const busySeconds = printed.cpu_seconds + originCpuSeconds(origin) - before;
      return { ...printed, loadCorePercent: (100 * busySeconds) / printed.seconds };
    },
    hold: async (door, port, idle) => {
      const work = { workload: 'hold', at_once: 64, ...idle } as const;
      const child = begin(door, port, work);
      readPrinted(await firstLine(child), work);
      return { release: () => release(child) };
    },
    stop: () => origin.kill(),
  };
}

function compile(program: string, sources: readonly string[]): void {
  mkdirSync(buildFolder, { recursive: true });
  const output = join(buildFolder, program);
  const newest = Math.max(...readdirSync(loadSources).map((name) => statSync(join(loadSources, name)).mtimeMs));
  if (existsSync(output) && statSync(output).mtimeMs > newest) return;
  const compiler = process.env['CC'] ?? 'cc';
  const flags = ['-O2', '-std=c11', '-Wall', '-Wextra', '-o', output];
  const result = spawnSync(compiler, [...flags, ...sources], { cwd: loadSources, encoding: 'utf8' });
  if (result.error) {
    throw new Error(`no C compiler: ${compiler} did not start; install one (Debian: gcc, libc6-dev) or name it in CC`);
  }
  if (result.status !== 0) throw new Error(`${compiler} failed on ${loadSources}:\n${result.stderr}`);
}

function startPinned(under: readonly string[], program: string, args: readonly string[]): ChildProcess {
  const [first = '', ...rest] = [...under, 'taskset', '-c', loadCore, join(buildFolder, program), ...args];
  return spawn(first, rest);
}

function argumentsOf({ workload, ...rest }: Work, port: number, originPort: number | undefined): readonly string[] {
  const numbers = { ...(originPort !== undefined && { connect: originPort }), ...rest, port };
  return [workload, `name=${serverName}`, ...Object.entries(numbers).map(([key, value]) => `${key}=${value}`)];
}

/** The one line that the program prints; rejects with what it complains of when it ends without one. */
async function firstLine(child: ChildProcess): Promise<string> {
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  if (!child.stdout) throw new Error('the load was started without stdout');
  for await (const line of createInterface({ input: child.stdout })) return line;
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  if (child.signalCode === 'SIGALRM') throw new Error('the load ran into its time limit');
  throw new Error(complaints.trim() || `the load ended with ${child.signalCode ?? child.exitCode ?? 'nothing'}`);
}

function originCpuSeconds({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the origin did not start');
  return cpuSeconds(pid);
}

function readPrinted(line: string, { tunnels }: Work): Printed {
  const failed = numberIn(line, 'failed');
  if (failed > 0) throw new Error(`${failed} of ${tunnels} tunnels failed`);
  return {
    seconds: numberIn(line, 'seconds'),
    cpu_seconds: numberIn(line, 'cpu_seconds'),
    p50_us: numberIn(line, 'p50_us'),
    p99_us: numberIn(line, 'p99_us'),
  };
}

function numberIn(line: string, field: string): number {
  const parsed: unknown = JSON.parse(line);
  const value: unknown = typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, field) : undefined;
  if (typeof value !== 'number') throw new Error(`the load printed no ${field}: ${line}`);
  return value;
}

async function release(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  child.stdin?.end();
  await ended;
  if (child.exitCode !== 0) throw new Error(complaints.trim());
}
