/** The processes that an attack needs: the proxy, the hostile origins and the honest clients. */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hash } from 'bcryptjs';
import { configuration, PASSWORD, USER } from './configuration.ts';
import { Mailbox } from './mailbox.ts';
import { residentBytes, settledBytes } from './memory.ts';
import type { AttackOptions } from './options.ts';
import type { Waits } from './table.ts';

/** Where everything is. */
export interface Places {
  /** Of the doors, by listener, and of `admin`. */
  readonly ports: Readonly<Record<string, number>>;
  /** Echoes. */
  readonly originPort: number;
  /** An origin of plain HTTP as it should be. */
  readonly answeringPort: number;
  /** Hostile origins of plain HTTP, by what they do. */
  readonly hostile: Readonly<Record<string, number>>;
  readonly seed: number;
}

export interface HonestWatch {
  stop(): Promise<Waits>;
  peakBytes(): number;
}

export interface Stage {
  attack(name: string, seconds: number): Promise<{ readonly rounds: number; readonly fault?: string }>;
  watchHonest(): HonestWatch;
  settledMemory(base?: number): Promise<number>;
  isAlive(): boolean;
  /** Connections that the forbidden origin has seen since this was asked last. */
  leaks(): number;
  close(): void;
}

// This file runs from test/attack/build/attack.
const attackFolder = join(import.meta.dirname, '..', '..');
const binary = join(attackFolder, '..', '..', 'apps', 'sallyport', 'bin', 'sallyport.js');

export async function openStage(engine: 'native' | 'portable', options: AttackOptions): Promise<Stage> {
  const children: ChildProcess[] = [];
  const closeAll = (): void => children.forEach((child) => child.kill('SIGKILL'));
  process.once('exit', closeAll);
  const start = (program: string, ...args: readonly string[]): Mailbox => {
    const child = fork(join(import.meta.dirname, `${program}.js`), [...args]);
    children.push(child);
    // The machine is shared: what is measured is the proxy, and not who gets a core first.
    if (UNIMPORTANT.has(program) && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
    return new Mailbox(program, child);
  };

  const scenery = start('scenery');
  const { originPort, answeringPort, nameServerPort } = await scenery.next<Scenery>();
  const { hostile } = await start('hostile-world').next<Pick<Places, 'hostile'>>();
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-attack-'));
  await layFiles(folder, configuration({ engine, nameServerPort, originPort }));
  const proxy = startProxy(folder, options.heapMiB);
  children.push(proxy);
  const places: Places = { ports: await portsOf(proxy), originPort, answeringPort, hostile, seed: options.seed };
  const adminPort = places.ports['admin'] ?? 0;
  const honest = start('honest', JSON.stringify(places));
  let leaks = 0;
  scenery.onMessage(() => (leaks += 1));

  const pid = proxy.pid ?? 0;
  const isAlive = (): boolean => proxy.exitCode === null && proxy.signalCode === null;
  return {
    isAlive,
    async attack(name, seconds) {
      const attacker = start('attacker', JSON.stringify(places), name, String(seconds));
      return attacker.next<{ rounds: number; fault?: string }>((seconds + 60) * 1000);
    },
    watchHonest() {
      let peak = 0;
      const sample = setInterval(() => (peak = isAlive() ? Math.max(peak, residentBytes(pid)) : peak), 100);
      honest.tell({ watch: true });
      return {
        async stop() {
          clearInterval(sample);
          honest.tell({ watch: false });
          return honest.next<Waits>();
        },
        peakBytes: () => peak,
      };
    },
    settledMemory: (base) => settledBytes(pid, adminPort, base === undefined ? undefined : base * 1.05),
    leaks() {
      const seen = leaks;
      leaks = 0;
      return seen;
    },
    close() {
      closeAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Programs that may wait for a core. */
const UNIMPORTANT: ReadonlySet<string> = new Set(['attacker', 'hostile-world']);

interface Scenery {
  readonly originPort: number;
  readonly answeringPort: number;
  readonly nameServerPort: number;
}

async function layFiles(folder: string, yaml: string): Promise<void> {
  writeFileSync(join(folder, 'sallyport.yaml'), yaml);
  writeFileSync(join(folder, 'users.htpasswd'), `${USER}:${await hash(PASSWORD, 10)}\n`, { mode: 0o600 });
  execFileSync(
    'openssl',
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout proxy.key -out proxy.crt -days 2 -subj /CN=proxy.test`.split(
      ' ',
    ),
    { cwd: folder, stdio: 'pipe' },
  );
}

function startProxy(folder: string, heapMiB: number): ChildProcess {
  const node = [`--max-old-space-size=${heapMiB}`, '--expose-gc', '--import', join(attackFolder, 'collect-garbage.js')];
  return spawn(process.execPath, [...node, binary, 'run', '--config', join(folder, 'sallyport.yaml')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** From the lines that say where it listens, up to `ready`. The rest of the log is read and dropped. */
async function portsOf(proxy: ChildProcess): Promise<Readonly<Record<string, number>>> {
  const ports: Record<string, number> = {};
  if (!proxy.stdout) throw new Error('the proxy has no output');
  const lines = createInterface({ input: proxy.stdout });
  await new Promise<void>((resolve, reject) => {
    proxy.once('exit', () => reject(new Error('the proxy ended at its start')));
    lines.on('line', (text) => {
      const line = JSON.parse(text) as Readonly<Record<string, unknown>>;
      if (line['msg'] === 'listening')
        ports[String(line['listener'])] = Number(String(line['address']).split(':').at(-1));
      if (line['msg'] !== 'ready') return;
      lines.close();
      proxy.stdout?.resume();
      resolve();
    });
  });
  return ports;
}
