/** SIGTERM and SIGINT before the program is up. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { configText } from './harness/config-text.ts';
import { BINARY } from './harness/sallyport.ts';

describe('a process that still starts ends cleanly', () => {
  /** Resolves with the exit code, or with the signal that has ended it. */
  const endOf = async (child: ChildProcess): Promise<unknown> => {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return code ?? signal;
  };
  const run = (configFile: string): ChildProcess =>
    spawn(process.execPath, [BINARY, 'run', '--config', configFile], { stdio: ['ignore', 'pipe', 'inherit'] });
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sallyport-lifecycle-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each(['SIGTERM', 'SIGINT'] as const)('by %s, with what it has opened closed', async (signal) => {
    const store = createServer((socket) => socket.on('error', () => undefined));
    store.listen(0, '127.0.0.1');
    await once(store, 'listening');
    const { port } = store.address() as AddressInfo;
    const file = join(folder, 'sallyport.yaml');
    const socket = join(folder, 'admin.sock');
    const yaml = configText({ more: `limits: { store: { redis: "redis://127.0.0.1:${port}" } }` });
    writeFileSync(file, yaml.replace('admin: { bind: "127.0.0.1:0" }', `admin: { bind: "unix:${socket}" }`));
    const child = run(file);
    let log = '';
    child.stdout?.on('data', (chunk: Buffer) => (log += chunk.toString()));
    const end = endOf(child);
    await once(store, 'connection');
    // The store is connected to before the admin socket is opened, and the one may be seen without the other.
    await vi.waitUntil(() => existsSync(socket), { timeout: 30_000, interval: 1 });
    child.kill(signal);
    expect(await end).toBe(0);
    expect(log).toContain('"msg":"ended before it was ready"');
    expect(log).not.toContain('"msg":"ready"');
    expect(existsSync(socket)).toBe(false);
    store.close();
  });

  it('from the first line of the program on', async () => {
    const file = join(folder, 'sallyport.yaml');
    writeFileSync(file, configText());
    const child = run(file);
    const end = endOf(child);
    await vi.waitUntil(() => catchesHangups(child), { timeout: 30_000, interval: 1 });
    child.kill('SIGTERM');
    expect(await end).toBe(0);
  });

  it('by the signal itself while it waits for a configuration that comes through a pipe', async () => {
    const fifo = join(folder, 'fifo');
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
    const child = run(fifo);
    const end = endOf(child);
    await vi.waitUntil(() => isOpeningPipe(child), { timeout: 30_000, interval: 5 });
    child.kill('SIGINT');
    expect(await end).toBe('SIGINT');
  });
});

/** Node.js itself has no listener for SIGHUP, the first signal. */
function catchesHangups({ pid }: ChildProcess): boolean {
  const [, caught = '0'] = /^SigCgt:\t(\w+)$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8')) ?? [];
  return (BigInt(`0x${caught}`) & 1n) === 1n;
}

/** The kernel's function in which the process waits. */
function isOpeningPipe({ pid }: ChildProcess): boolean {
  return readFileSync(`/proc/${String(pid)}/wchan`, 'utf8').includes('wait_for_partner');
}
