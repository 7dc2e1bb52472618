/** Starts the program that is installed now as a successor, with the sockets of this process. */
import { text } from 'node:stream/consumers';
import { isAbsolute } from 'node:path';
import { messageOf } from '../exit.ts';
import { type Child, startChild } from './start-child.ts';
import { type Sockets, successorEnvironment, type SuccessionAnswer } from './succession.ts';

/** Enough to read a list of a million hosts. */
const READY_WITHIN_MS = 60_000;

/** A process that is to take over. */
export interface Successor {
  readonly pid: number | undefined;
  /** Never rejects. A successor that failed has ended. */
  readonly outcome: Promise<SuccessionAnswer>;
  /** It is no longer needed. */
  stop(): void;
}

/** @param inheritedCount how many descriptors this process was passed itself: they must not be passed on by accident */
export function startSuccessor(sockets: Sockets, inheritedCount: number): Successor {
  const passed = [...sockets.values()].flat();
  // Passed descriptors stay open over exec. In the successor their numbers are given to something else.
  const covers = Array.from({ length: Math.max(0, inheritedCount - passed.length) }, () => 'closed' as const);
  const child = startChild({
    path: nodePath(),
    args: [...process.execArgv, ...process.argv.slice(1)],
    env: successorEnvironment(process.env, sockets),
    descriptors: [...passed, ...covers],
  });
  return {
    pid: child.pid,
    outcome: within(READY_WITHIN_MS, child, hearAnswer(child)),
    stop: () => child.kill('SIGTERM'),
  };
}

/** The path by which this process was started: its link may lead to a newer Node.js. */
function nodePath(): string {
  return isAbsolute(process.argv0) ? process.argv0 : process.execPath;
}

async function hearAnswer({ channel, ended }: Child): Promise<SuccessionAnswer> {
  const failed = ended.then(
    (end) => failure(`it ended with ${end}; its stderr says why`),
    (cause: unknown) => failure(`it cannot be started: ${messageOf(cause)}`),
  );
  const told = channel ? await text(channel).catch(() => '') : '';
  // It has closed the channel, with or without an answer.
  return told === '' ? failed : readAnswer(JSON.parse(told));
}

function readAnswer(told: unknown): SuccessionAnswer {
  if (typeof told !== 'object' || told === null || !('kind' in told)) return failure('it gave no answer');
  if (told.kind === 'ready') return { kind: 'ready' };
  return failure('why' in told ? String(told.why) : 'it gave no reason');
}

async function within(limitMs: number, child: Child, answer: Promise<SuccessionAnswer>): Promise<SuccessionAnswer> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<SuccessionAnswer>((resolve) => {
    timer = setTimeout(() => {
      child.kill('SIGKILL');
      resolve(failure(`it was not ready within ${limitMs / 1000} s`));
    }, limitMs);
  });
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

function failure(why: string): SuccessionAnswer {
  return { kind: 'failed', why };
}
