/** Compares the ClientHello inside a tunnel with the host that CONNECT named: what is compared, and what is found. */
import type { Destination } from '@sallyport/policy';
import type { SniCheckResult } from '@sallyport/telemetry';
import type { DeadlineMs, Leg } from '@sallyport/tunnel-splice';
import { refusalAlert } from './alert-record.ts';
import type { PrereadLimits } from './frontend.ts';
import type { HelloFacts } from './hello-facts.ts';
import type { HelloInside, ReadHello } from './hello-inside.ts';
import { TunnelError } from './reasons.ts';

/** One tunnel that is up and not spliced yet. */
export interface UnverifiedTunnel {
  readonly client: Leg;
  readonly upstream: Leg;
  readonly destination: Destination;
  /** Read from the client behind its CONNECT. */
  readonly clientBytes: Uint8Array;
  readonly limits: PrereadLimits;
  /** Called for bytes that are relayed before the splice. */
  readonly onRelayed: (bytesUp: number, bytesDown: number) => void;
}

/** What a check asks, and whom it tells. */
export interface SniCheckTools {
  readonly readHello: ReadHello;
  /** Called with every result, also one that ends the tunnel. */
  readonly onResult: (result: SniCheckResult) => void;
  /** A destination that answers nothing is awaited no longer than the tunnel may be idle, or live, in milliseconds. */
  readonly quietTimeoutMs: number;
  /** A hello with an encrypted_client_hello extension ends the tunnel: its outer name is not the client's destination. */
  readonly deniesEch: boolean;
}

/** What a check has found, and the bytes that it has read for that. */
export interface SniVerdict {
  readonly result: SniCheckResult;
  readonly hello?: HelloFacts;
  /** A sentence for the log on a fault that does not end the tunnel. */
  readonly remark?: string;
  /** Where in `clientBytes` the bytes behind the hello begin. */
  readonly helloEndsAt?: number;
  /** What both sides have sent by now; to be relayed first. */
  readonly clientBytes: Uint8Array;
  readonly upstreamBytes?: Uint8Array;
  /** Since when no byte has gone either way; left out where the tunnel has just come up. */
  readonly quietSince?: DeadlineMs;
}

/** Compares what was read with the host that CONNECT named. */
export function judgeHello(
  { found, bytes }: HelloInside,
  { destination }: Pick<UnverifiedTunnel, 'destination'>,
): SniVerdict {
  if (found.kind !== 'hello') return { result: 'not_tls', clientBytes: bytes };
  const { hello, endsAt } = found;
  return { result: compare(hello, destination), hello, helloEndsAt: endsAt, clientBytes: bytes };
}

/**
 * An address is not a name: for it, a hello without a name is right (RFC 6066 §3), and so is one with that very address in the name's
 * place.
 */
function compare({ sni, literal }: HelloFacts, destination: Destination): SniCheckResult {
  if (sni !== undefined) return destination.kind === 'name' && destination.host === sni ? 'match' : 'mismatch';
  if (destination.kind === 'name') return 'absent';
  return literal === undefined || literal === destination.host ? 'match' : 'mismatch';
}

/** What is wrong with the name in a hello, for the client and the log. */
export function explainHost(result: Exclude<SniCheckResult, 'match'>): string {
  return `The ClientHello in the tunnel names ${result === 'absent' ? 'no host' : 'another host than CONNECT did'}.`;
}

/** Throws `ech`, with an alert to the client and both legs closed, where the hello has what is denied in any. */
export function refuseEch(
  { client, upstream }: Pick<UnverifiedTunnel, 'client' | 'upstream'>,
  hello: HelloFacts | undefined,
  which: string,
  { deniesEch }: SniCheckTools,
): void {
  if (!deniesEch || !hello?.ech) return;
  upstream.close();
  client.close(refusalAlert('ech'));
  throw new TunnelError('ech', `${which} has an encrypted_client_hello extension.`, { hello });
}
