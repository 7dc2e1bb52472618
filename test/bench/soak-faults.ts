/** The faults of the soak: clients that vanish, a process that is suspended, descriptors that run out. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from './soak-client.ts';
import type { Mixed, MixedCounts } from './soak-mixed.ts';

const VANISHING = 20;
const VANISH_PAUSE_MS = 100;
const SUSPENDED_MS = 500;
const SUSPEND_PAUSE_MS = 5_000;
/** Descriptors that are left to a proxy that is to run out of them, and clients that come then: a tunnel takes two. */
const FEW_DESCRIPTORS = 20;
const CROWD = 100;
const EXHAUSTED_MS = 2_000;
const RECOVERY_MS = 10_000;

/** Clients whose tunnels are up, and who are gone by an RST in the middle of what they send. */
export async function vanish(mixed: Mixed, counts: MixedCounts): Promise<void> {
  const clients = await Promise.all(Array.from({ length: VANISHING }, () => ask(mixed)));
  for (const { socket, answered } of clients) {
    await answered;
    socket.write(Buffer.alloc(64 * 1024));
    socket.resetAndDestroy();
  }
  counts.vanished += VANISHING;
  await delay(VANISH_PAUSE_MS);
}

/** Nothing of the process runs for a while: all that comes meanwhile has to be served then. */
export async function suspend({ proxy: { pid } }: Mixed, counts: MixedCounts): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await delay(SUSPENDED_MS).finally(() => process.kill(pid, 'SIGCONT'));
  counts.suspensions += 1;
  await delay(SUSPEND_PAUSE_MS);
}

/** For a while new clients and dials find no descriptor. Rejects where all were served all the same, or nobody is served afterwards. */
export async function exhaust(mixed: Mixed, counts: MixedCounts): Promise<void> {
  const { pid } = mixed.proxy;
  const limit = descriptorLimit(pid);
  setDescriptorLimit(pid, readdirSync(`/proc/${pid}/fd`).length + FEW_DESCRIPTORS);
  const crowd = await Promise.all(Array.from({ length: CROWD }, () => ask(mixed))).finally(async () => {
    await delay(EXHAUSTED_MS);
    setDescriptorLimit(pid, limit);
  });
  const served = crowd.filter(({ heard }) => heard().startsWith('HTTP/1.1 200 ')).length;
  for (const { socket } of crowd) socket.destroy();
  if (served === CROWD) throw new Error(`all ${CROWD} were served with ${FEW_DESCRIPTORS} descriptors`);
  await requireService(mixed);
  counts.exhaustions += 1;
}

/** A newcomer may still be turned away for a moment. */
async function requireService(mixed: Mixed): Promise<void> {
  const deadline = performance.now() + RECOVERY_MS;
  for (;;) {
    const { socket, answered, heard } = await ask(mixed);
    await answered;
    socket.destroy();
    if (heard().startsWith('HTTP/1.1 200 ')) return;
    if (performance.now() > deadline) throw new Error(`with descriptors again, it answers: ${heard().slice(0, 80)}`);
    await delay(100);
  }
}

function descriptorLimit(pid: number): number {
  const [, soft] = /^Max open files +(\d+) /m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8')) ?? [];
  return Number(soft);
}

function setDescriptorLimit(pid: number, soft: number): void {
  const { status } = spawnSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:`]);
  if (status !== 0) throw new Error('prlimit (Debian: util-linux) set no limit of descriptors');
}
