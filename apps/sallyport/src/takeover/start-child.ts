/** Starts a process that writes an answer to its descriptor 3. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { Readable } from 'node:stream';
import { type ChildCommand, startNativeChild } from '@sallyport/tunnel-splice';

/** A process that was asked for, whether it could be started or not. */
export interface Child {
  readonly pid: number | undefined;
  /** Left out where it cannot be started. */
  readonly channel?: Readable;
  /** Resolves with the exit code, or the signal that ended it. Rejects with the reason why it cannot be started. */
  readonly ended: Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): void;
}

/** The addon does it in a millisecond or two, during which no tunnel is set up; Node.js takes ten times as long. */
export function startChild(command: ChildCommand): Child {
  const native = startNativeChild(command);
  switch (native.kind) {
    case 'started':
      return native.child;
    case 'failed':
      return unstarted(new Error(`spawn ${command.path} ${native.error}`));
    case 'unavailable':
      return startPortably(command);
  }
}

function unstarted(cause: Error): Child {
  return { pid: undefined, ended: Promise.reject(cause), kill: () => undefined };
}

/** Where there is no addon. The event loop stands still for some 15 ms, since Node.js copies this process first (fork(2)). */
export function startPortably(command: ChildCommand): Child {
  try {
    return follow(spawnCovered(command));
  } catch (cause) {
    return unstarted(cause instanceof Error ? cause : new Error(String(cause)));
  }
}

function spawnCovered({ path, args, env, descriptors }: ChildCommand): ChildProcess {
  // From 3 on, 'ignore' would leave what this process has under that number.
  const nothing = openSync(devNull, 'r');
  try {
    const passed = descriptors.map((descriptor) => (descriptor === 'closed' ? nothing : descriptor));
    return spawn(path, args, { stdio: ['inherit', 'inherit', 'inherit', 'pipe', ...passed], env });
  } finally {
    closeSync(nothing);
  }
}

function follow(child: ChildProcess): Child {
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 0));
  });
  const channel = child.stdio[3];
  return {
    pid: child.pid,
    ...(channel instanceof Readable && { channel }),
    ended,
    kill: (signal) => void child.kill(signal),
  };
}
