/** Processes that this one starts, by the addon and by Node.js alone. */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ChildCommand, nativeBinary } from '@sallyport/tunnel-splice';
import { type Child, startChild, startPortably } from '../../src/takeover/start-child.ts';

const WAYS = [
  { way: 'the addon', isHere: nativeBinary().kind === 'loaded', begin: startChild, closed: 'none' },
  { way: 'Node.js', isHere: true, begin: startPortably, closed: '/dev/null' },
];

describe.each(WAYS.filter(({ isHere }) => isHere))('a process that $way starts', ({ begin, closed }) => {
  let folder = '';
  let child: Child | undefined;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'sallyport-child-'))));
  afterEach(() => child?.kill('SIGKILL'));
  afterAll(() => rmSync(folder, { recursive: true }));

  function shell(script: string, more: Partial<ChildCommand> = {}): Child & { readonly channel: Readable } {
    child = begin({ path: '/bin/sh', args: ['-c', script], env: process.env, descriptors: [], ...more });
    const { channel } = child;
    if (channel === undefined) throw new Error('it has no channel');
    return { ...child, channel };
  }

  it('gets its arguments and its environment, and its descriptor 3 is read', async () => {
    const { channel, ended } = shell('echo "$0, $WORD, $HOME." >&3', { env: { WORD: 'wörd', HOME: undefined } });
    expect(await text(channel)).toBe('/bin/sh, wörd, .\n');
    expect(await ended).toBe(0);
  });

  it('gets the descriptors in their order from 4 on, and nothing else', async () => {
    const paths = ['a', 'b'].map((name) => join(folder, name));
    const [a = -1, b = -1] = paths.map((path) => openSync(path, 'w'));
    const script = 'for fd in 4 5 6 7; do readlink /proc/$$/fd/$fd || echo none; done >&3';
    const { channel } = shell(script, { descriptors: [b, 'closed', a] });
    expect((await text(channel)).split('\n')).toEqual([paths[1], closed, paths[0], 'none', '']);
    for (const fd of [a, b]) closeSync(fd);
  });

  it('shares the standard streams', async () => {
    const script = 'both=$(for fd in 0 1 2; do readlink /proc/$PPID/fd/$fd /proc/$$/fd/$fd; done); echo "$both" >&3';
    const { channel } = shell(script);
    const [in0, in1, out0, out1, err0, err1] = (await text(channel)).split('\n');
    expect([in1, out1, err1]).toEqual([in0, out0, err0]);
    expect(out1).not.toBe('');
  });

  it('has no signal ignored or blocked, although Node.js ignores SIGPIPE', async () => {
    // The process itself, for a shell blocks all signals while it starts another.
    const { channel } = shell('exec grep -E "^Sig(Blk|Ign)" /proc/self/status >&3');
    const masks = (await text(channel)).match(/[\da-f]{16}/g) ?? [];
    // glibc ignores two signals of its own, 32 and 33, until its threads need them.
    const ofLibc = 0x1_8000_0000n;
    expect(masks.map((mask) => BigInt(`0x${mask}`) & ~ofLibc)).toEqual([0n, 0n]);
  });

  it.each([
    { script: 'exit 7', expected: 7 },
    { script: 'kill -TERM $$', expected: 'SIGTERM' },
  ])('ends with $expected by "$script", and the kernel has forgotten it', async ({ script, expected }) => {
    const { pid, ended } = shell(script);
    expect(await ended).toBe(expected);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it('is ended by a signal, and its number is not used any more after that', async () => {
    const sleeper = shell('echo up >&3; exec sleep 1000');
    await once(sleeper.channel, 'data');
    sleeper.kill('SIGTERM');
    expect(await sleeper.ended).toBe('SIGTERM');
    expect(() => sleeper.kill('SIGKILL')).not.toThrow();
  });

  it.skipIf(spawnSync('prlimit', ['--version']).status !== 0)(
    'is not started where no descriptor is left, and the reason is told',
    async () => {
      const { channel, ended } = shell('exit 0');
      await Promise.all([text(channel), ended]);
      limitDescriptors(readdirSync('/proc/self/fd').length + 64);
      const taken = takeAllDescriptors();
      const unstarted = begin({ path: '/bin/sh', args: [], env: {}, descriptors: ['closed'] });
      for (const fd of taken) closeSync(fd);
      limitDescriptors(4_096);
      await expect(unstarted.ended).rejects.toThrow('EMFILE');
      expect(unstarted.pid).toBeUndefined();
    },
  );

  it('is not started where there is no such program, and nothing is left open', async () => {
    const { channel, ended } = shell('exit 0');
    await Promise.all([text(channel), ended]);
    const before = readdirSync('/proc/self/fd').length;
    const path = join(folder, 'nothing');
    const unstarted = begin({ path, args: [], env: {}, descriptors: [1] });
    await expect(unstarted.ended).rejects.toThrow(`spawn ${path} ENOENT`);
    expect(unstarted.pid).toBeUndefined();
    if (unstarted.channel) expect(await text(unstarted.channel)).toBe('');
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  });
});

/** Of this process, which is the test's own. */
function limitDescriptors(count: number): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${count}:`]);
}

function takeAllDescriptors(): readonly number[] {
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    return taken; // None is left.
  }
}
