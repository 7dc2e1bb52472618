/** What a process passes to its successor, and what the successor answers. */
import { closeSync, writeSync } from 'node:fs';

/** Under this name the successor finds what it was passed. */
const VARIABLE = 'SALLYPORT_SUCCESSION';

/** Where the successor tells how it went; the sockets follow. */
export const ANSWER_DESCRIPTOR = 3;

/** How it went. */
export type SuccessionAnswer =
  | { readonly kind: 'ready' }
  /** `why` is a sentence for the log. */
  | { readonly kind: 'failed'; readonly why: string };

/** Sockets by place. */
export type Sockets = ReadonlyMap<string, readonly number[]>;

/** A process as it succeeds another. */
export interface Succession {
  readonly sockets: Sockets;
  /** Once; that the other is no more by then changes nothing. */
  answer(answer: SuccessionAnswer): void;
}

/** The environment of a successor that finds these sockets in this order, from the descriptor behind the answer's on. */
export function successorEnvironment(env: NodeJS.ProcessEnv, sockets: Sockets): NodeJS.ProcessEnv {
  const places = [...sockets].map(([place, descriptors]) => [place, descriptors.length] as const);
  const others = Object.entries(env).filter(([name]) => !OURS_ALONE.includes(name));
  return { ...Object.fromEntries(others), [VARIABLE]: JSON.stringify(places) };
}

/** They name this process; a watchdog without WATCHDOG_PID is meant for whoever is the main process. */
const OURS_ALONE: readonly string[] = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'WATCHDOG_PID'];

/** Reads what was passed, if this process is a successor, and takes it out of the environment: its own children are none. */
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
    // The process that started this one has ended: nothing waits for the answer.
  }
}
