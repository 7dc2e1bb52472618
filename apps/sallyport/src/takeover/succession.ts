/** What a process passes to its successor, and the successor's answer. */
import { closeSync, writeSync } from 'node:fs';

/** The variable that lists what was passed. */
const VARIABLE = 'SALLYPORT_SUCCESSION';

/** The descriptor for the successor's answer. The sockets follow it. */
export const ANSWER_DESCRIPTOR = 3;

/** The result of the takeover. */
export type SuccessionAnswer =
  | { readonly kind: 'ready' }
  /** `why` is a sentence for the log. */
  | { readonly kind: 'failed'; readonly why: string };

/** Sockets by place. */
export type Sockets = ReadonlyMap<string, readonly number[]>;

/** The part of a process that succeeds another. */
export interface Succession {
  readonly sockets: Sockets;
  /** Called once. Does nothing where the other process has ended. */
  answer(answer: SuccessionAnswer): void;
}

/** The environment of a successor that finds these sockets in this order, after the answer's descriptor. */
export function successorEnvironment(env: NodeJS.ProcessEnv, sockets: Sockets): NodeJS.ProcessEnv {
  const places = [...sockets].map(([place, descriptors]) => [place, descriptors.length] as const);
  const others = Object.entries(env).filter(([name]) => !OURS_ALONE.includes(name));
  return { ...Object.fromEntries(others), [VARIABLE]: JSON.stringify(places) };
}

/** These name this process. A watchdog without WATCHDOG_PID is meant for the main process, whichever that is. */
const OURS_ALONE: readonly string[] = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'WATCHDOG_PID'];

/** Reads what was passed, if this process is a successor, and removes it from the environment: its own children are no successors. */
export function readSuccession(env: NodeJS.ProcessEnv): Succession | undefined {
  const text = env[VARIABLE];
  if (text === undefined) return undefined;
  Reflect.deleteProperty(env, VARIABLE);
  return { sockets: readSockets(JSON.parse(text)), answer };
}

function readSockets(places: unknown): Sockets {
  const sockets = new Map<string, readonly number[]>();
  let next = ANSWER_DESCRIPTOR + 1;
  const entries: readonly unknown[] = Array.isArray(places) ? places : [];
  for (const entry of entries) {
    const pair: readonly unknown[] = Array.isArray(entry) ? entry : [];
    const [place, count] = pair;
    const descriptors = Array.from({ length: Number(count) }, () => next++);
    sockets.set(String(place), descriptors);
  }
  return sockets;
}

function answer(told: SuccessionAnswer): void {
  try {
    writeSync(ANSWER_DESCRIPTOR, JSON.stringify(told));
    closeSync(ANSWER_DESCRIPTOR);
  } catch {
    // The process that started this one has ended, so no process waits for the answer.
  }
}
