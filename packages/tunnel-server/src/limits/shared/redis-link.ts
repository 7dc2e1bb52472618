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
  const client = await makeClient(url);
  const isWanted = (): boolean => !signal.aborted;
  // A signal that came while the library was loaded is not told of again.
  if (!isWanted()) return false;
  const over = new AbortController();
  const lost = new Promise<unknown>((resolve) => {
    client.on('error', resolve);
    client.on('end', () => resolve(new Error('it closed the connection')));
    signal.addEventListener('abort', resolve, { signal: over.signal });
  });
  try {
    await client.connect();
    const link = new RedisLink(client, await client.scriptLoad(COUNT_SCRIPT));
    if (isWanted()) watcher.ready(link);
    const why = describe(await lost);
    if (!link.isDropped) watcher.lost(why);
    return link.hasAnswered;
  } catch (cause) {
    watcher.lost(describe(cause));
    return false;
  } finally {
    over.abort();
    if (client.isOpen) client.destroy();
  }
}

async function makeClient(url: string) {
  const { createClient } = await import('@redis/client');
  return createClient({
    url,
    name: 'sallyport',
    // Every server since 2.8 supports it, and the answers are the same.
    RESP: 2,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // `keepRedisLink` decides when to connect again.
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SILENCE_MS, reconnectStrategy: false },
  });
}

/** A connection that is up. */
class RedisLink implements StoreLink {
  readonly #client: Awaited<ReturnType<typeof makeClient>>;
  readonly #script: string;
  hasAnswered = false;
  isDropped = false;

  /** @param script the name by which Redis knows it */
  constructor(client: Awaited<ReturnType<typeof makeClient>>, script: string) {
    this.#client = client;
    this.#script = script;
  }

  async run(keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const call = { keys: [...keys], arguments: [...args] };
    const answer = await this.#client.evalSha(this.#script, call).catch((cause: unknown) => {
      // SCRIPT FLUSH, or a failover. This is sent at once and has Redis know the script again, so answers stay in order.
      if (cause instanceof Error && cause.message.startsWith('NOSCRIPT ')) return this.#client.eval(COUNT_SCRIPT, call);
      throw cause;
    });
    this.hasAnswered = true;
    return answer;
  }

  drop(): void {
    this.isDropped = true;
    this.#client.destroy();
  }
}

function describe(cause: unknown): string {
  return cause instanceof Error ? wordCause(cause) : 'it is no longer wanted';
}
