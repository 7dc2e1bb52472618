/** A connection to Redis that reconnects whenever it is lost. It loads the client library with the first connection. */
import { setTimeout as delay } from 'node:timers/promises';
import { COUNT_SCRIPT } from './count-script.ts';

/** What the counting needs of a store. */
export interface StoreLink {
  /** Runs the script. Rejects where the connection is lost, or Redis says no. Answers come in the order of the calls. */
  run(keys: readonly string[], args: readonly string[]): Promise<unknown>;
  /** Ends the connection: the next one begins anew. */
  drop(): void;
}

/** Who is told of the connection. */
export interface LinkWatcher {
  /** The link stands, until `lost`. */
  ready(link: StoreLink): void;
  lost(why: string): void;
}

/** Nothing heard for so long is a connection that is dead. There is something to hear every second. */
const SILENCE_MS = 5_000;
const CONNECT_TIMEOUT_MS = 2_000;
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Keeps a connection to `url` until the signal says to end it.
 *
 * @param url may hold a password; nothing that is said to the watcher does
 */
export async function keepRedisLink(url: string, watcher: LinkWatcher, signal: AbortSignal): Promise<void> {
  let pauseMs = SHORTEST_PAUSE_MS;
  while (!signal.aborted) {
    const hasStood = await connectOnce(url, watcher, signal);
    pauseMs = hasStood ? SHORTEST_PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** Resolves once the connection is lost, with whether it had stood. */
async function connectOnce(url: string, watcher: LinkWatcher, signal: AbortSignal): Promise<boolean> {
  const { createClient } = await import('@redis/client');
  const client = createClient({
    url,
    name: 'sallyport',
    // What every server since 2.8 speaks; the answers are the same.
    RESP: 2,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // When to connect again is decided above.
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SILENCE_MS, reconnectStrategy: false },
  });
  const lost = new Promise<unknown>((resolve) => {
    client.on('error', resolve);
    client.on('end', () => resolve(new Error('it closed the connection')));
    signal.addEventListener('abort', resolve, { once: true });
  });
  let hasStood = false;
  try {
    await client.connect();
    const sha = await client.scriptLoad(COUNT_SCRIPT);
    hasStood = true;
    const run: StoreLink['run'] = (keys, args) => client.evalSha(sha, { keys: [...keys], arguments: [...args] });
    watcher.ready({ run, drop: () => client.destroy() });
    watcher.lost(describe(await lost));
  } catch (cause) {
    watcher.lost(describe(cause));
  }
  if (client.isOpen) client.destroy();
  return hasStood;
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return 'it is no longer wanted';
  // Several addresses, several refusals: the message of all together is empty.
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}
