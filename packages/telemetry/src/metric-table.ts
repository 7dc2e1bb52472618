/** Every metric, once: its name, its help and its labels. Label values are closed sets or names from the configuration. */
import type { Registry } from 'prom-client';
import { loadPromClient } from './load-library.ts';
import { TimeHistogram } from './time-histogram.ts';

const PREFIX = 'sallyport_';

/** Seconds. From a look-up in the local network to the longest usual `timeouts.connect`. */
const WAIT_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Seconds. A first byte may take as long as the client's request does. */
const FIRST_BYTE_BUCKETS = [...WAIT_BUCKETS, 30, 60];

/** Seconds. From one short request to a connection kept for a day. */
const LIFE_BUCKETS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];

export type MetricTable = ReturnType<typeof declareMetrics>;

/** Declares the metrics in `registry`. */
export function declareMetrics(registry: Registry) {
  const { counter, gauge, histogram } = declareIn(registry);
  return {
    tunnels: counter('tunnels_total', 'Tunnels and refusals that have ended.', ['listener', 'outcome', 'reason']),
    tunnelsActive: gauge('tunnels_active', 'Tunnels that are up now.', ['listener']),
    repeated: counter(
      'repeated_tunnels_total',
      'Tunnels that the engine set up by repeating what was decided for the same client and destination within the last second.',
      ['listener'],
    ),
    bytes: counter('bytes_total', 'Bytes relayed, those of open tunnels included.', ['listener', 'direction']),
    handshakesActive: gauge('handshakes_active', 'Connections accepted whose tunnel is not up yet.', ['listener']),
    tunnelsLimit: gauge('tunnels_limit', 'limits.tunnels, as it holds for the listener.', ['listener']),
    tunnelsLimitUsed: gauge(
      'tunnels_limit_used',
      'Connections that count against tunnels_limit: of all listeners, unless this one has a limit of its own.',
      ['listener'],
    ),
    certificateExpiry: gauge(
      'certificate_expiry_timestamp_seconds',
      'When the certificate that the listener shows its clients expires, as Unix time.',
      ['listener'],
    ),
    refused: counter('refused_total', 'Connections that the proxy itself refused.', ['listener', 'reason']),
    policyDecisions: counter(
      'policy_decisions_total',
      'Decisions by rule, before addresses are checked; report: a denial that report_only lifted.',
      ['rule', 'decision'],
    ),
    resolveSeconds: histogram('resolve_seconds', 'Time to look the destination up.', WAIT_BUCKETS),
    connectSeconds: histogram('connect_seconds', 'Time to dial, all attempts together.', WAIT_BUCKETS),
    firstByteSeconds: histogram('first_byte_seconds', 'From tunnel up to first upstream byte.', FIRST_BYTE_BUCKETS),
    tunnelSeconds: histogram('tunnel_seconds', 'Time from accept to end of tunnels that were up.', LIFE_BUCKETS),
    dnsCache: counter('dns_cache_total', 'Look-ups by what the cache had; negative: a known failure.', ['result']),
    dialAttempts: counter('dial_attempts_total', 'Attempts to reach one address.', ['family', 'result']),
    egressUp: gauge('egress_up', '1 unless the egress was down when it was last used.', ['egress']),
    egressAttempts: counter('egress_attempts_total', 'Attempts to connect by an egress.', ['egress', 'result']),
    clientHellos: counter('client_hellos_total', 'ClientHellos read, by highest version offered.', [
      'listener',
      'version',
      'ech',
    ]),
    sniChecks: counter('sni_checks_total', 'Cross-checks of the name in the ClientHello.', ['listener', 'result']),
    limitsStoreUp: gauge('limits_store_up', '1 unless limits.store names a Redis that is away or too slow.', []),
    limitsStoreLate: counter(
      'limits_store_late_total',
      'Connections held to the count of this process alone, for limits.store did not answer in time.',
      [],
    ),
    configReloads: counter('config_reloads_total', 'Reloads of the configuration.', ['result']),
    configReloadOk: gauge('config_last_reload_successful', '1 if the last reload took effect, else 0.', []),
    configReloadedAt: gauge(
      'config_last_reload_success_timestamp_seconds',
      'When the configuration in effect was loaded, as Unix time.',
      [],
    ),
    logLinesDropped: counter(
      'log_lines_dropped_total',
      'Log lines lost: what reads the log was too slow or had left.',
      [],
    ),
    draining: gauge('draining', '1 while the proxy drains, else 0.', []),
    buildInfo: gauge('build_info', 'Always 1; what is running is in the labels.', ['version', 'node', 'engine']),
    engineBinary: gauge('engine_binary_info', 'Always 1; which build of the native engine runs, or none.', ['binary']),
  };
}

function declareIn(registry: Registry) {
  const { Counter, Gauge } = loadPromClient();
  const registers = [registry];
  return {
    counter: <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
      new Counter({ name: PREFIX + name, help, labelNames, registers }),
    gauge: <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
      new Gauge({ name: PREFIX + name, help, labelNames, registers }),
    histogram: (name: string, help: string, buckets: readonly number[]) =>
      new TimeHistogram({ name: PREFIX + name, help, label: 'listener', bounds: buckets }).registerIn(registry),
  };
}
