/** What is counted of one listener's tunnels. On the path of every tunnel: each call costs about a quarter of a microsecond. */
import type { Outcome } from './log-fields.ts';
import type { MetricTable } from './metric-table.ts';

/** Every `handshakeStarted` is followed by one `handshakeEnded`, every `tunnelUp` by one `tunnelDown`. Times are in seconds. */
export interface ListenerMetrics {
  handshakeStarted(): void;
  handshakeEnded(): void;
  tunnelUp(): void;
  tunnelDown(): void;
  /** Once for each connection; `seconds` from accept, observed only where the tunnel was up (`ok`). */
  tunnelEnded(outcome: Outcome, reason: string, seconds: number): void;
  /** Adds bytes relayed since the last call. */
  bytes(up: number, down: number): void;
  resolved(seconds: number): void;
  connected(seconds: number): void;
  firstByte(seconds: number): void;
  policyDecision(rule: string, decision: 'allow' | 'deny' | 'report'): void;
  /** @param version the highest offered, spelled `TLSv1.3` */
  clientHello(version: string, ech: boolean): void;
}

/** Not bound children: in prom-client they cost the same, and the code would be twice as long. */
export function createListenerMetrics(table: MetricTable, listener: string): ListenerMetrics {
  const own = { listener };
  const up = { listener, direction: 'up' };
  const down = { listener, direction: 'down' };
  showFromTheStart(table, listener);
  return {
    handshakeStarted: () => table.handshakesActive.inc(own),
    handshakeEnded: () => table.handshakesActive.dec(own),
    tunnelUp: () => table.tunnelsActive.inc(own),
    tunnelDown: () => table.tunnelsActive.dec(own),
    tunnelEnded(outcome, reason, seconds) {
      table.tunnels.inc({ listener, outcome, reason });
      if (outcome === 'refused') table.refused.inc({ listener, reason });
      // A refusal after a millisecond says nothing about how long tunnels live.
      if (outcome === 'ok') table.tunnelSeconds.observe(own, seconds);
    },
    bytes(bytesUp, bytesDown) {
      table.bytes.inc(up, bytesUp);
      table.bytes.inc(down, bytesDown);
    },
    resolved: (seconds) => table.resolveSeconds.observe(own, seconds),
    connected: (seconds) => table.connectSeconds.observe(own, seconds),
    firstByte: (seconds) => table.firstByteSeconds.observe(own, seconds),
    policyDecision: (rule, decision) => table.policyDecisions.inc({ rule, decision }),
    clientHello: (version, ech) => table.clientHellos.inc({ listener, version, ech: String(ech) }),
  };
}

function showFromTheStart(table: MetricTable, listener: string): void {
  table.tunnelsActive.set({ listener }, 0);
  table.handshakesActive.set({ listener }, 0);
  for (const direction of ['up', 'down']) table.bytes.inc({ listener, direction }, 0);
  for (const seconds of [table.resolveSeconds, table.connectSeconds, table.firstByteSeconds, table.tunnelSeconds]) {
    seconds.zero({ listener });
  }
}
