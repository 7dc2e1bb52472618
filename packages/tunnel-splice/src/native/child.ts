/** Starts a process without a copy of this one, which `node:child_process` makes (fork(2)) while the event loop stands still. */
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { getSystemErrorName } from 'node:util';
import type { Addon } from './addon.ts';
import { loadAddon } from './load.ts';

/** A program, and what it is given. */
export interface ChildCommand {
  /** Absolute. */
  readonly path: string;
  /** Without the name of the program, which is `path`. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** What the child gets from descriptor 4 on. `closed`: nothing of this process has that number. */
  readonly descriptors: readonly (number | 'closed')[];
}

/** A process that was started by the addon. */
export interface NativeChild {
  readonly pid: number;
  /** What the child writes to its descriptor 3. */
  readonly channel: Readable;
  /** Resolves with its exit code, or the signal that ended it. The kernel has forgotten it by then. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Does nothing once it has ended. */
  kill(signal: NodeJS.Signals): void;
}

/** Whether the process was started. */
export type NativeChildResult =
  | { readonly kind: 'started'; readonly child: NativeChild }
  /** The system refuses: the name of its error. */
  | { readonly kind: 'failed'; readonly error: string }
  /** There is no addon here. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** The calling thread waits a millisecond or two, until the program is executed. Descriptors 0 to 2 are those of this process. */
export function startNativeChild({ path, args, env, descriptors }: ChildCommand): NativeChildResult {
  const loaded = loadAddon();
  if (loaded.kind === 'unavailable') return loaded;
  const { addon } = loaded;
  const variables = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  const passed = descriptors.map((descriptor) => (descriptor === 'closed' ? -1 : descriptor));
  const [errno, pid, channel] = addon.startChild(path, [path, ...args], variables, passed);
  if (errno !== 0) return { kind: 'failed', error: getSystemErrorName(-errno) };
  return { kind: 'started', child: follow(addon, pid, channel) };
}

function follow(addon: Addon, pid: number, channel: number): NativeChild {
  let hasEnded = false;
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    const reap = (): void => {
      const status = addon.reapChild(pid);
      if (status === RUNNING) return;
      hasEnded = true;
      process.off('SIGCHLD', reap);
      resolve(readStatus(status));
    };
    process.on('SIGCHLD', reap);
    // It may have ended before anything listened.
    reap();
  });
  return {
    pid,
    channel: new Socket({ fd: channel, readable: true, writable: false }),
    ended,
    kill: (signal) => {
      if (!hasEnded) process.kill(pid, signal);
    },
  };
}

const RUNNING = -1;

/** The status of waitpid(2): in its low seven bits the signal, or 0 and the exit code above them. */
function readStatus(status: number): number | NodeJS.Signals {
  const signalNumber = status & 0x7f;
  if (signalNumber === 0) return (status >> 8) & 0xff;
  const names = Object.keys(constants.signals) as NodeJS.Signals[]; // The keys of that object are the names.
  return names.find((name) => constants.signals[name] === signalNumber) ?? signalNumber;
}
