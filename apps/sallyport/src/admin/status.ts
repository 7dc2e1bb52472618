/** `GET /api/status`: the state of the whole proxy in one answer. */
import { authorityText } from '@sallyport/addresses';
import { bindText, type Config, type ListenerConfig } from '@sallyport/config';
import type { LimitedListener } from '@sallyport/tunnel-server';
import type { EgressReading, ListenerReading, MetricsReading } from '@sallyport/telemetry';
import { version } from '../version.ts';
import type { AdminView } from './admin-view.ts';
import type { StatusReply } from './api.ts';
import { refusedOf } from './history.ts';

export function describeStatus(view: AdminView): StatusReply {
  const { services, history, lastReload } = view;
  const { config } = view.settings();
  const reading = services.metrics.read();
  const reload = lastReload();
  return {
    version: version(),
    node: process.version,
    engine: services.transport.name,
    state: view.state(),
    now: new Date().toISOString(),
    started: new Date(performance.timeOrigin).toISOString(),
    uptime_ms: Math.round(performance.now()),
    memory_bytes: process.memoryUsage.rss(),
    control: config.admin.control,
    report_only: config.policy.report_only,
    doors: config.listeners.map((listener) => describeDoor(listener, view, reading)),
    refusals: endsWith('refused', reading),
    failures: endsWith('failed', reading),
    decisions: sumDecisions(reading),
    dns: { ...countsOf(reading.dnsCache), seconds: history.percentiles('resolve', reading) },
    dials: {
      attempts: reading.dialAttempts.map(({ labels, count }) => ({ ...labels, count })),
      seconds: history.percentiles('connect', reading),
    },
    egresses: reading.egresses.map((egress) => describeEgress(egress, config)),
    limits: describeLimits(config, view),
    ...(reload && { reload }),
    log_lines_dropped: services.log.linesDropped(),
  };
}

function describeDoor(
  listener: ListenerConfig,
  view: AdminView,
  { listeners }: MetricsReading,
): StatusReply['doors'][0] {
  const { name, mode, report_only } = listener;
  const reading = listeners.find((candidate) => candidate.listener === name);
  const bound = view.services.bound.all(name);
  const state = view.state();
  return {
    name,
    mode,
    addresses: bound.length > 0 ? bound.map(authorityText) : listener.bind.map(bindText),
    state: state === 'ready' ? 'open' : state === 'draining' ? 'draining' : 'opening',
    report_only,
    tls: listener.mode === 'connect' && listener.tls !== undefined,
    tunnels: reading?.tunnels ?? 0,
    handshakes: reading?.handshakes ?? 0,
    set_ups: reading?.setUps ?? 0,
    refused: reading ? refusedOf(reading) : 0,
    failed: reading?.ends.reduce((sum, { labels, count }) => (labels.outcome === 'failed' ? sum + count : sum), 0) ?? 0,
    bytes_up: reading?.bytesUp ?? 0,
    bytes_down: reading?.bytesDown ?? 0,
  };
}

function endsWith(outcome: 'refused' | 'failed', { listeners }: MetricsReading): StatusReply['refusals'] {
  return listeners.flatMap(({ listener, ends }) =>
    ends
      .filter(({ labels }) => labels.outcome === outcome)
      .map(({ labels, count }) => ({ listener, reason: labels.reason, count })),
  );
}

/** Over all doors, for a rule is the same at each. */
function sumDecisions({ listeners }: MetricsReading): StatusReply['decisions'] {
  const sums = new Map<string, StatusReply['decisions'][0]>();
  for (const { labels, count } of listeners.flatMap((listener: ListenerReading) => listener.decisions)) {
    const key = `${labels.decision} ${labels.rule}`;
    sums.set(key, { ...labels, count: (sums.get(key)?.count ?? 0) + count });
  }
  return [...sums.values()];
}

function countsOf(counts: MetricsReading['dnsCache']): Pick<StatusReply['dns'], 'hit' | 'miss' | 'negative'> {
  const of = (result: string): number => counts.find(({ labels }) => labels.result === result)?.count ?? 0;
  return { hit: of('hit'), miss: of('miss'), negative: of('negative') };
}

function describeEgress({ egress: name, isUp, attempts }: EgressReading, config: Config): StatusReply['egresses'][0] {
  const found = config.egress.find((candidate) => candidate.name === name);
  const isParent = found !== undefined && found.type !== 'direct';
  return {
    name,
    type: found?.type ?? 'direct',
    ...(isParent && { address: authorityText(found.address) }),
    up: isUp,
    attempts: Object.fromEntries(attempts.map(({ result, count }) => [result, count])),
  };
}

/** The limit over all doors, and that of each door with a limit of its own. */
function describeLimits({ limits, listeners }: Config, { services }: AdminView): StatusReply['limits'] {
  const used = (listener: LimitedListener): Record<LimitName, number> => ({
    tunnels: services.limits.tunnelsHeld(listener),
    tunnels_per_client: services.limits.mostHeld(listener),
  });
  const everywhere = used({ name: '', limits });
  return [
    ...LIMITS.map((name) => ({ name, used: everywhere[name], limit: limits[name] })),
    ...listeners.flatMap((listener) =>
      LIMITS.filter((name) => listener.limits[name] !== limits[name]).map((name) => ({
        name,
        listener: listener.name,
        used: used(listener)[name],
        limit: listener.limits[name],
      })),
    ),
  ];
}

const LIMITS = ['tunnels', 'tunnels_per_client'] as const;

type LimitName = (typeof LIMITS)[number];
