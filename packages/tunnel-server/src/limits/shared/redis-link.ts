/** A connection to Redis that reconnects whenever it is lost. It loads the client library with the first connection. */
import { setTimeout as delay } from 'node:timers/promises';
import { wordCause } from '@sallyport/telemetry';
import { COUNT_SCRIPT } from './count-script.ts';

/** What the counting needs of a store. */
export interface StoreLink {
  /** Runs the script. Rejects where the connection is lost, or Redis returns an error. Answers come in the order of the calls. */
  run(keys: readonly string[], args: readonly string[]): Promise<unknown>;
  /** Ends the connection. Another one is made. */
  drop(): void;
}

/** Is told of the connection's state. */
export interface LinkWatcher {
  /** The connection is up, until it is lost or dropped. */
  ready(link: StoreLink): void;
  lost(why: string): void;
}

/** A connection without an answer for so long is dead: there is a request every second. */
const SILENCE_MS = 5_000;
const CONNECT_TIMEOUT_MS = 2_000;
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Keeps a connection to `url` until the signal ends it.
 *
 * @param url may hold a password; the watcher is never given it
 */
export async function keepRedisLink(url: string, watcher: LinkWatcher, signal: AbortSignal): Promise<void> {
  let pauseMs = SHORTEST_PAUSE_MS;
  while (!signal.aborted) {
    const hasAnswered = await connectOnce(url, watcher, signal);
    pauseMs = hasAnswered ? SHORTEST_PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** Resolves once the connection is lost, with whether a call of the script was answered. A replica that may not write answers none. */
async function connectOnce(url: string, watcher: LinkWatcher, signal: AbortSignal): Promise<boolean> {
  const { createClient } = await import('@redis/client');
  const client = createClient({
    url,
    name: 'sallyport',
    // Every server since 2.8 supports it, and the answers are the same.
    RESP: 2,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // The loop above decides when to connect again.
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SILENCE_MS, reconnectStrategy: false },
  });
  const over = new AbortController();
  const lost = new Promise<unknown>((resolve) => {
    client.on('error', resolve);
    client.on('end', () => resolve(new Error('it closed the connection')));
    signal.addEventListener('abort', resolve, { signal: over.signal });
  });
  let hasAnswered = false;
  const dropped = new AbortController();
  try {
    await client.connect();
    const sha = await client.scriptLoad(COUNT_SCRIPT);
    const run: StoreLink['run'] = async (keys, args) => {
      const answer = await client.evalSha(sha, { keys: [...keys], arguments: [...args] });
      hasAnswered = true;
      return answer;
    };
    const drop = (): void => {
      dropped.abort();
      client.destroy();
    };
    watcher.ready({ run, drop });
    const why = describe(await lost);
    if (!dropped.signal.aborted) watcher.lost(why);
  } catch (cause) {
    watcher.lost(describe(cause));
  }
  over.abort();
  if (client.isOpen) client.destroy();
  return hasAnswered;
}

function describe(cause: unknown): string {
  return cause instanceof Error ? wordCause(cause) : 'it is no longer wanted';
}
