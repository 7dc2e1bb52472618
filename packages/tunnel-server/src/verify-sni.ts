/** The cross-check at the explicit door (`verify_sni`): does the ClientHello inside the tunnel name the host that CONNECT named? */
import type { SniCheckResult } from '@sallyport/telemetry';
import { type DeadlineMs, TICK_MS } from '@sallyport/tunnel-splice';
import { refusalAlert } from './alert-record.ts';
import { explainSecond, requireSameHost, sendHello } from './follow-hello.ts';
import { explainUnread, type HelloInside } from './hello-inside.ts';
import { TunnelError } from './reasons.ts';
import {
  explainHost,
  judgeHello,
  refuseEch,
  type SniCheckTools,
  type SniVerdict,
  type UnverifiedTunnel,
} from './sni-check.ts';

/**
 * Reads the hello before a byte is sent up. Unless it names the destination, the tunnel ends and nothing of the hello is sent up. Throws
 * `sni_mismatch`, `ech`, `handshake_timeout` or `client_closed`, both legs closed; a client that used TLS gets an alert. The same holds
 * for a second hello, after a HelloRetryRequest.
 */
export async function enforceSni(tunnel: UnverifiedTunnel, tools: SniCheckTools): Promise<SniVerdict> {
  const { client, upstream, limits, clientBytes } = tunnel;
  const inside = await tools.readHello(client, limits, clientBytes);
  const verdict = judgeHello(inside, tunnel);
  if (inside.found.kind !== 'left') tools.onResult(verdict.result);
  refuseEch(tunnel, verdict.hello, 'The ClientHello in the tunnel', tools);
  if (verdict.result === 'match') return requireSameHost({ ...tunnel, isStrict: true }, verdict, tools);
  const error = explain(inside.found, verdict.result);
  upstream.close();
  client.close(speaksTls(inside) ? refusalAlert(error.reason) : undefined);
  throw error;
}

/**
 * Only counts and remarks, and delays no tunnel: where the server sends first, the tunnel goes on without a hello. A second hello is
 * counted if it names another host, and sent all the same. Throws `ech`, both legs closed, where that is denied.
 */
export async function reportSni(tunnel: UnverifiedTunnel, tools: SniCheckTools): Promise<SniVerdict> {
  const quietSince = performance.now();
  const { inside, upstreamBytes } = await watchHello(tunnel, tools, quietSince + tools.quietTimeoutMs);
  const verdict = { ...judgeReported(inside, tunnel), ...(upstreamBytes && { upstreamBytes }), quietSince };
  if (inside.found.kind !== 'left') tools.onResult(verdict.result);
  refuseEch(tunnel, verdict.hello, 'The ClientHello in the tunnel', tools);
  if (verdict.result !== 'match' && !tools.deniesEch) return verdict;
  const passed = await sendHello({ ...tunnel, isStrict: false }, verdict, tools);
  const remark = passed?.kind === 'other-host' ? explainSecond(passed.why) : verdict.remark;
  return { ...verdict, ...passed, ...(remark !== undefined && { remark }) };
}

interface WatchedHello {
  readonly inside: HelloInside;
  readonly upstreamBytes?: Uint8Array;
}

/** @param quietUntil when the tunnel ends, unless a byte has come */
async function watchHello(
  tunnel: UnverifiedTunnel,
  { readHello }: SniCheckTools,
  quietUntil: DeadlineMs,
): Promise<WatchedHello> {
  const { client, upstream, limits } = tunnel;
  let bytes = tunnel.clientBytes;
  for (;;) {
    const giveUpAt = bytes.length > 0 ? limits.deadline : Math.min(limits.deadline, quietUntil);
    const deadline = Math.min(performance.now() + TICK_MS, giveUpAt);
    const inside = await readHello(client, { ...limits, deadline }, bytes);
    bytes = inside.bytes;
    if (inside.found.kind !== 'timed-out') return { inside };

    const spoken = await upstream.read(limits.prereadLimitBytes, performance.now());
    const upstreamBytes = typeof spoken === 'string' ? undefined : spoken;
    if (upstreamBytes || spoken === 'end' || spoken === 'reset' || performance.now() >= giveUpAt) {
      return { inside, ...(upstreamBytes && { upstreamBytes }) };
    }
  }
}

/** The log says why `enforce` would refuse the client. One that leaves is not refused. */
function judgeReported(inside: HelloInside, tunnel: UnverifiedTunnel): SniVerdict {
  const verdict = judgeHello(inside, tunnel);
  if (verdict.result === 'match' || inside.found.kind === 'left') return verdict;
  return { ...verdict, remark: explain(inside.found, verdict.result).message };
}

function speaksTls({ found }: HelloInside): boolean {
  return found.kind === 'hello' || found.kind === 'malformed' || found.kind === 'too-large';
}

function explain(found: HelloInside['found'], result: Exclude<SniCheckResult, 'match'>): TunnelError {
  switch (found.kind) {
    case 'hello':
      return new TunnelError('sni_mismatch', explainHost(result), { hello: found.hello });
    case 'timed-out':
      return new TunnelError('handshake_timeout', explainUnread(found));
    case 'left':
      return new TunnelError('client_closed', explainUnread(found));
    case 'malformed':
    case 'too-large':
    case 'not-tls':
      return new TunnelError('sni_mismatch', explainUnread(found));
  }
}
