/** The refusals of the transparent door, as bytes: an alert for a TLS client, an HTTP reply for an HTTP client, nothing for others. */
import {
  encodeAlert,
  encodeRefusal,
  findAccept,
  REFUSALS,
  type Refusal,
  type RefusedTunnel,
  type TunnelError,
} from '@sallyport/tunnel-server';

/** The last bytes to the client, if any, and their HTTP status. */
export interface Answer {
  readonly bytes?: Uint8Array;
  readonly status?: number;
}

/** The alert for a refusal; nothing where the table says to close without a reply. */
export function answerInTls(error: TunnelError): Answer {
  const { alert }: Refusal = REFUSALS[error.reason];
  return alert === undefined ? {} : { bytes: encodeAlert(alert) };
}

/**
 * The only answer of this door in HTTP: Misdirected Request, "unable to produce an authoritative response for the target URI" (RFC 9110
 * §15.5.20).
 */
const MISDIRECTED_REQUEST = { status: 421, proxyError: 'http_request_error' } as const;

/**
 * Words a refusal in HTTP, as the explicit door does.
 * @param request what was read of it
 */
export function answerInHttp(error: TunnelError, tunnel: RefusedTunnel, request: Uint8Array): Answer {
  const asked = { isHead: isHead(request), accept: findAccept(request) };
  return encodeRefusal(error, { tunnel, date: new Date(), ...asked, answer: MISDIRECTED_REQUEST }) ?? {};
}

function isHead(request: Uint8Array): boolean {
  return Buffer.from(request.subarray(0, HEAD.length)).equals(HEAD);
}

const HEAD = Buffer.from('HEAD ');
