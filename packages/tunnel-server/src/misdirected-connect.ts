/** A CONNECT that a transparent door serves: its tunnel must meet the same requirements as that door's own clients. */
import type { SniListener } from '@sallyport/config';
import { refusalAlert } from './alert-record.ts';
import { requireSameHost } from './follow-hello.ts';
import { explainUnread, type HelloInside } from './hello-inside.ts';
import { TunnelError } from './reasons.ts';
import { explainHost, judgeHello, type SniCheckTools, type SniVerdict, type UnverifiedTunnel } from './sni-check.ts';

/**
 * Reads the hello before a byte is sent up. On a fault it closes both legs, sends the client a TLS alert and throws the error that the
 * door has for such a hello of its own clients: `not_tls`, `malformed`, `too_large`, `no_sni`, `handshake_timeout` or `client_closed`.
 * Throws `sni_mismatch` where it names another host than the CONNECT, or a second hello does: the host that the policy of this door judges
 * is that of the hello. Never `ech`: the configuration refuses `ech: deny` at such a door.
 */
export async function requireHello(
  tunnel: UnverifiedTunnel,
  tools: SniCheckTools,
  { without_sni, verify_sni }: Pick<SniListener, 'without_sni' | 'verify_sni'>,
): Promise<SniVerdict> {
  const { client, upstream, limits, clientBytes } = tunnel;
  const inside = await tools.readHello(client, limits, clientBytes);
  const verdict = judgeHello(inside, tunnel);
  const onResult = verify_sni === 'off' ? () => undefined : tools.onResult;
  const unfit = whyUnfit(inside, without_sni.kind === 'reject');
  if (!unfit) onResult(verdict.result);
  const error = unfit ?? whyElsewhere(verdict);
  if (error) {
    upstream.close();
    client.close(refusalAlert(error.reason));
    throw error;
  }
  return requireSameHost({ ...tunnel, isStrict: false }, verdict, { ...tools, onResult });
}

function whyElsewhere({ result, hello }: SniVerdict): TunnelError | undefined {
  return result === 'mismatch' ? new TunnelError('sni_mismatch', explainHost(result), hello && { hello }) : undefined;
}

function whyUnfit({ found }: HelloInside, isNameNeeded: boolean): TunnelError | undefined {
  switch (found.kind) {
    case 'hello': {
      const { hello } = found;
      const isFit = hello.sni !== undefined || !isNameNeeded;
      return isFit ? undefined : new TunnelError('no_sni', 'The ClientHello in the tunnel names no server.', { hello });
    }
    case 'malformed':
      return new TunnelError('malformed', explainUnread(found));
    case 'too-large':
      return new TunnelError('too_large', explainUnread(found));
    case 'not-tls':
      return new TunnelError('not_tls', 'What came through the tunnel is not TLS, and this door takes nothing else.');
    case 'timed-out':
      return new TunnelError('handshake_timeout', explainUnread(found));
    case 'left':
      return new TunnelError('client_closed', explainUnread(found));
  }
}
