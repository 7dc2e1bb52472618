/** The drain: no new tunnels are accepted, live ones get time to end, and those that are cut are logged. */
import type { Config } from '@sallyport/config';
import type { Services } from './services.ts';
import type { ServingDoors } from './serving-doors.ts';

/** How long a tunnel that is cut after the drain may take to end, in milliseconds. */
const LAST_WORDS_MS = 1_000;

/** Resolves when no connection is left. Connections that the kernel had queued are still answered, with a refusal. */
export async function drainTunnels(
  doors: Pick<ServingDoors, 'close'>,
  { ledger, log, metrics, repeats }: Services,
  config: Pick<Config, 'timeouts' | 'listeners'>,
): Promise<void> {
  const own = new Map(config.listeners.map(({ name, timeouts }) => [name, timeouts.drain]));
  // A listener that a reload has removed may still have tunnels.
  const timeoutOf = (listener: string): number => own.get(listener) ?? config.timeouts.drain;
  const timeoutsMs = [...new Set([...own.values(), config.timeouts.drain])].sort((one, other) => one - other);
  ledger.drain();
  void repeats?.forget();
  metrics.draining(true);
  await doors.close();
  log.info({ tunnels: ledger.liveCount, timeout_ms: config.timeouts.drain }, 'draining');
  await endInTurn(timeoutsMs, timeoutOf, ledger);
}

/** The same, where a successor has the sockets: no client is refused, and present ones are served to their end. */
export async function leaveTunnels(
  doors: Pick<ServingDoors, 'close'>,
  { ledger, log, metrics }: Services,
  drainTimeoutMs: number,
): Promise<void> {
  metrics.draining(true);
  await doors.close();
  ledger.isLeaving = true;
  log.info({ tunnels: ledger.liveCount, timeout_ms: drainTimeoutMs }, 'draining');
  await endInTurn([drainTimeoutMs], () => drainTimeoutMs, ledger);
}

/** Cuts the tunnels of each listener when its own time is over. */
async function endInTurn(
  timeoutsMs: readonly number[],
  timeoutOf: (listener: string) => number,
  ledger: Services['ledger'],
): Promise<void> {
  const begunAt = performance.now();
  for (const timeoutMs of timeoutsMs) {
    if (await ledger.whenEmpty(Math.max(0, begunAt + timeoutMs - performance.now()))) return;
    ledger.cutAll('drain', (listener) => timeoutOf(listener) <= timeoutMs);
  }
  await ledger.whenEmpty(LAST_WORDS_MS);
}

/** Cuts all tunnels, and gives them time for nothing but their lines in the log. */
export async function cutTunnels({ ledger, transport }: Pick<Services, 'ledger' | 'transport'>): Promise<void> {
  ledger.cutAll('drain');
  // A client that takes nothing keeps its tunnel. The transport ends that too.
  if (!(await ledger.whenEmpty(LAST_WORDS_MS))) await transport.stop();
}
