/** The drain: no new tunnels are accepted, live ones get time to end, and those that are cut are logged. */
import type { Services } from './services.ts';
import type { OpenListeners } from './sockets/open-listeners.ts';

/** How long a tunnel that is cut after the drain may take to end, in milliseconds. */
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
  await endWithin(drainTimeoutMs, ledger);
}

/** The same, where a successor has the sockets: no client is refused, and present ones are served to their end. */
export async function leaveTunnels(
  listeners: Pick<OpenListeners, 'close'>,
  { ledger, log, metrics }: Services,
  drainTimeoutMs: number,
): Promise<void> {
  metrics.draining(true);
  await listeners.close();
  ledger.isLeaving = true;
  log.info({ tunnels: ledger.liveCount, timeout_ms: drainTimeoutMs }, 'draining');
  await endWithin(drainTimeoutMs, ledger);
}

async function endWithin(timeoutMs: number, ledger: Services['ledger']): Promise<void> {
  if (await ledger.whenEmpty(timeoutMs)) return;
  ledger.cutAll('drain');
  await ledger.whenEmpty(LAST_WORDS_MS);
}
