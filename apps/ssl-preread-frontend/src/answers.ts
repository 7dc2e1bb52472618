/** The last bytes of the transparent door: an alert for a TLS client, an HTTP reply for an HTTP client, nothing for others. */
import {
  encodeRefusal,
  type LastReply,
  readReplyWishes,
  refusalAlert,
  type RefusedTunnel,
  type TunnelError,
} from '@sallyport/tunnel-server';
import { HANDSHAKE_RECORD } from './tls-record.ts';

/** An alert; nothing where the table says to close without one. */
export function answerInTls({ reason }: TunnelError): LastReply {
  return { bytes: refusalAlert(reason) };
}

/**
 * The answer of this door in HTTP to a client that it does not serve: Misdirected Request, "unable to produce an authoritative response
 * for the target URI" (RFC 9110 §15.5.20).
 */
const MISDIRECTED_REQUEST = { status: 421, proxyError: 'http_request_error' } as const;

/**
 * Words a refusal in HTTP, as the explicit door does.
 * @param request what was read of it
 */
export function answerInHttp(error: TunnelError, tunnel: RefusedTunnel, request: Uint8Array): LastReply {
  const context = { tunnel, date: new Date(), ...readReplyWishes(request) };
  return encodeRefusal(error, { ...context, answer: MISDIRECTED_REQUEST }) ?? {};
}

/**
 * The refusal of a further request, on a connection of plain HTTP that was served before, as the explicit door words it. A client that
 * goes on with TLS gets an alert.
 * @param begun what was read of it
 */
export function answerFurther(error: TunnelError, tunnel: RefusedTunnel, begun: Uint8Array): LastReply {
  if (begun[0] === HANDSHAKE_RECORD) return answerInTls(error);
  return encodeRefusal(error, { tunnel, date: new Date(), ...readReplyWishes(begun) }) ?? {};
}
