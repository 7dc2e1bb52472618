/**
 * The counts of one listener's tunnels, updated for every tunnel.
 *
 * Counts are plain numbers that are given to prom-client at a scrape: prom-client itself takes a quarter of a microsecond for the labels
 * of each, a dozen times a tunnel. The same holds for times (`time-histogram.ts`).
 */
import type { Outcome } from './log/fields.ts';
import type { MetricTable } from './metric-table.ts';
import { type LabelledCount, Tally } from './tally.ts';
import type { TimeReading, TimeSeries } from './time-histogram.ts';

/** Every `handshakeStarted` is followed by one `handshakeEnded`, every `tunnelUp` by one `tunnelDown`. Times are in seconds. */
export interface ListenerMetrics {
  handshakeStarted(): void;
  handshakeEnded(): void;
  tunnelUp(): void;
  tunnelDown(): void;
  /** A tunnel was set up by repeating a decision. */
  repeated(): void;
  /** Once for each connection. `seconds` from accept are observed only where the tunnel was up: `ok`, and not `probe`. */
  tunnelEnded(outcome: Outcome, reason: string, seconds: number): void;
  /** Adds bytes relayed since the last call. */
  bytes(up: number, down: number): void;
  resolved(seconds: number): void;
  connected(seconds: number): void;
  firstByte(seconds: number): void;
  policyDecision(rule: string, decision: Verdict): void;
  /** @param version the highest offered, spelled `TLSv1.3` */
  clientHello(version: string, ech: boolean): void;
  sniChecked(result: SniCheckResult): void;
  /** How many connections count for `limits.tunnels`, and how many may. */
  tunnelsLimit(used: number, limit: number): void;
  /** The listener was removed: it has no limit, and no certificate. Its counts stay. */
  retire(): void;
  /** The expiry of the certificate that clients are shown; undefined where there is none. */
  certificateExpires(at: Date | undefined): void;
}

type Verdict = 'allow' | 'deny' | 'report';

const SNI_CHECK_RESULTS = ['match', 'mismatch', 'absent', 'not_tls'] as const;

/** `absent`: a ClientHello without a name where a name was asked for. `not_tls`: anything that is not a whole ClientHello. */
export type SniCheckResult = (typeof SNI_CHECK_RESULTS)[number];

/** The counts of one listener since the start. */
export interface ListenerReading {
  readonly listener: string;
  readonly handshakes: number;
  /** Those that are up now, and those that have been up. */
  readonly tunnels: number;
  readonly setUps: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly ends: readonly LabelledCount<{ readonly outcome: Outcome; readonly reason: string }>[];
  readonly decisions: readonly LabelledCount<{ readonly rule: string; readonly decision: Verdict }>[];
  readonly resolveSeconds: TimeReading;
  readonly connectSeconds: TimeReading;
}

/** The same, with the link to the registry. */
export interface PublishedListenerMetrics extends ListenerMetrics {
  /** Adds the counts since the last call to the registry. */
  publish(): void;
  read(): ListenerReading;
}

export function createListenerMetrics(table: MetricTable, listener: string): PublishedListenerMetrics {
  showFromTheStart(table, listener);
  return new CountedListener(table, listener);
}

class CountedListener implements PublishedListenerMetrics {
  readonly #table: MetricTable;
  readonly #labels: { readonly listener: string };
  readonly #ends = new Tally((outcome: Outcome, reason: string) => ({ outcome, reason }));
  readonly #decisions = new Tally((rule: string, decision: Verdict) => ({ rule, decision }));
  readonly #hellos = new Tally((version: string, ech: 'true' | 'false') => ({ version, ech }));
  readonly #checks = new Tally((result: SniCheckResult) => ({ result }));
  readonly #resolveSeconds: TimeSeries;
  readonly #connectSeconds: TimeSeries;
  readonly #firstByteSeconds: TimeSeries;
  readonly #tunnelSeconds: TimeSeries;
  #handshakes = 0;
  #tunnels = 0;
  #setUps = 0;
  #repeated = 0;
  #bytesUp = 0;
  #bytesDown = 0;
  #toldUp = 0;
  #toldDown = 0;
  #toldRepeated = 0;

  constructor(table: MetricTable, listener: string) {
    this.#table = table;
    this.#labels = { listener };
    this.#resolveSeconds = table.resolveSeconds.of(listener);
    this.#connectSeconds = table.connectSeconds.of(listener);
    this.#firstByteSeconds = table.firstByteSeconds.of(listener);
    this.#tunnelSeconds = table.tunnelSeconds.of(listener);
  }

  handshakeStarted(): void {
    this.#handshakes += 1;
  }

  handshakeEnded(): void {
    this.#handshakes -= 1;
  }

  tunnelUp(): void {
    this.#tunnels += 1;
    this.#setUps += 1;
  }

  tunnelDown(): void {
    this.#tunnels -= 1;
  }

  repeated(): void {
    this.#repeated += 1;
  }

  tunnelEnded(outcome: Outcome, reason: string, seconds: number): void {
    this.#ends.add(outcome, reason);
    // A refusal after a millisecond, or a probe, says nothing about the life of tunnels.
    if (outcome === 'ok' && reason !== 'probe') this.#tunnelSeconds.observe(seconds);
  }

  bytes(up: number, down: number): void {
    this.#bytesUp += up;
    this.#bytesDown += down;
  }

  resolved(seconds: number): void {
    this.#resolveSeconds.observe(seconds);
  }

  connected(seconds: number): void {
    this.#connectSeconds.observe(seconds);
  }

  firstByte(seconds: number): void {
    this.#firstByteSeconds.observe(seconds);
  }

  policyDecision(rule: string, decision: Verdict): void {
    this.#decisions.add(rule, decision);
  }

  clientHello(version: string, ech: boolean): void {
    this.#hellos.add(version, ech ? 'true' : 'false');
  }

  sniChecked(result: SniCheckResult): void {
    this.#checks.add(result, '');
  }

  tunnelsLimit(used: number, limit: number): void {
    this.#table.tunnelsLimitUsed.set(this.#labels, used);
    this.#table.tunnelsLimit.set(this.#labels, limit);
  }

  retire(): void {
    this.#table.tunnelsLimitUsed.remove(this.#labels);
    this.#table.tunnelsLimit.remove(this.#labels);
    this.certificateExpires(undefined);
  }

  certificateExpires(at: Date | undefined): void {
    const { certificateExpiry } = this.#table;
    if (at) certificateExpiry.set(this.#labels, at.getTime() / 1_000);
    else certificateExpiry.remove(this.#labels);
  }

  read(): ListenerReading {
    return {
      listener: this.#labels.listener,
      handshakes: this.#handshakes,
      tunnels: this.#tunnels,
      setUps: this.#setUps,
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
      ends: this.#ends.read(),
      decisions: this.#decisions.read(),
      resolveSeconds: this.#resolveSeconds.read(),
      connectSeconds: this.#connectSeconds.read(),
    };
  }

  publish(): void {
    const { listener } = this.#labels;
    const table = this.#table;
    table.handshakesActive.set(this.#labels, this.#handshakes);
    table.tunnelsActive.set(this.#labels, this.#tunnels);
    table.bytes.inc({ listener, direction: 'up' }, this.#bytesUp - this.#toldUp);
    table.bytes.inc({ listener, direction: 'down' }, this.#bytesDown - this.#toldDown);
    this.#toldUp = this.#bytesUp;
    this.#toldDown = this.#bytesDown;
    table.repeated.inc(this.#labels, this.#repeated - this.#toldRepeated);
    this.#toldRepeated = this.#repeated;
    this.#ends.take(({ outcome, reason }, count) => {
      table.tunnels.inc({ listener, outcome, reason }, count);
      if (outcome === 'refused') table.refused.inc({ listener, reason }, count);
    });
    this.#decisions.take((labels, count) => table.policyDecisions.inc(labels, count));
    this.#hellos.take((labels, count) => table.clientHellos.inc({ listener, ...labels }, count));
    this.#checks.take((labels, count) => table.sniChecks.inc({ listener, ...labels }, count));
  }
}

function showFromTheStart(table: MetricTable, listener: string): void {
  table.tunnelsActive.set({ listener }, 0);
  table.handshakesActive.set({ listener }, 0);
  table.repeated.inc({ listener }, 0);
  for (const direction of ['up', 'down']) table.bytes.inc({ listener, direction }, 0);
  for (const result of SNI_CHECK_RESULTS) table.sniChecks.inc({ listener, result }, 0);
}
