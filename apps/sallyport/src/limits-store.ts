/** The store through which replicas share limits, as configured. */
import type { Config } from '@sallyport/config';
import type { Logger, Metrics } from '@sallyport/telemetry';
import { keepRedisLink, type Limits, SharedLimits } from '@sallyport/tunnel-server';

interface Surroundings {
  readonly limits: Limits;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Makes `limits` count where the configuration says. Returns what must be closed at the end; undefined without a store. */
export function openLimitsStore(
  { store }: Config['limits'],
  { limits, log, metrics }: Surroundings,
): SharedLimits | undefined {
  if (store === 'local') {
    limits.share(undefined);
    metrics.limitsStore(true);
    return undefined;
  }
  const { redis: url, prefix } = store;
  const { host } = new URL(url);
  metrics.limitsStore(false);
  const shared = new SharedLimits({
    prefix,
    connect: (watcher, signal) => keepRedisLink(url, watcher, signal),
    onLate: () => metrics.limitsStoreLate(),
    onUp() {
      metrics.limitsStore(true);
      log.info({ store: host }, 'limits store up');
    },
    onAway(why) {
      metrics.limitsStore(false);
      // Redis ends some of its errors as sentences.
      const detail = `${why.replace(/\.$/, '')}; until it answers, each replica holds clients to its own count`;
      log.warn({ store: host, detail }, 'limits store away');
    },
  });
  limits.share(shared);
  return shared;
}
