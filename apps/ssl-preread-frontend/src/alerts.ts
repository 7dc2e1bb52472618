/** What the transparent door says, as bytes: an alert to who speaks TLS, one sentence to who speaks HTTP, nothing to anyone else. */
import { encodeAlert, REFUSALS, type Refusal, type TunnelError } from '@sallyport/tunnel-server';

/** The last bytes to the client, if any, and the HTTP status they carry. */
export interface Answer {
  readonly bytes?: Uint8Array;
  readonly status?: number;
}

/** The alert for a refusal; nothing where the table says to close without a word. */
export function answerInTls(error: TunnelError): Answer {
  const { alert }: Refusal = REFUSALS[error.reason];
  return alert === undefined ? {} : { bytes: encodeAlert(alert) };
}

/** Misdirected Request: "unable to produce an authoritative response for the target URI" (RFC 9110 §15.5.20). */
const MISDIRECTED_REQUEST = 421;

/** The one answer that this door has in HTTP: one sentence in plain text, with reason and tunnel id. */
export function answerInHttp(error: TunnelError, tunnelId: string): Answer {
  const content = Buffer.from(writeSentence(error, tunnelId), 'utf8');
  const head = [
    `HTTP/1.1 ${MISDIRECTED_REQUEST} Misdirected Request`,
    `Date: ${new Date().toUTCString()}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${content.length}`,
    'Connection: close',
    '\r\n',
  ].join('\r\n');
  return { status: MISDIRECTED_REQUEST, bytes: Buffer.concat([Buffer.from(head, 'latin1'), content]) };
}

/** `This port serves only TLS (not_tls, tunnel 7f3a).` */
function writeSentence({ message, reason }: TunnelError, tunnelId: string): string {
  return `${message.replace(/\.$/, '')} (${reason}, tunnel ${tunnelId}).\n`;
}
