/** Ending in good order: no new tunnels, time for those that live, and a word in the log for those that are cut. */
import type { Services } from './services.ts';
import type { OpenListeners } from './sockets/open-listeners.ts';

/** What is cut after the drain has so long to tell its peers, in milliseconds. */
const LAST_WORDS_MS = 1_000;

/** Resolves when no connection is left. Connections that the kernel had queued are still answered, with a refusal. */
export async function drainTunnels(
  listeners: Pick<OpenListeners, 'close'>,
  { ledger, log, metrics }: Services,
  drainTimeoutMs: number,
): Promise<void> {
  ledger.isDraining = true;
  metrics.draining(true);
  await listeners.close();
  log.info({ tunnels: ledger.liveCount, timeout_ms: drainTimeoutMs }, 'draining');
  if (await ledger.whenEmpty(drainTimeoutMs)) return;
  ledger.cutAll('drain');
  await ledger.whenEmpty(LAST_WORDS_MS);
}
