/** A refusal in HTTP, as bytes: both doors send it, to who speaks HTTP. */
import { STATUS_CODES } from 'node:http';
import { REFUSALS, type Refusal, type TunnelError } from './reasons.ts';

export interface RefusalContext {
  readonly tunnelId: string;
  /** When the reply is made, for its Date (RFC 9110 §6.6.1). */
  readonly date: Date;
  /** The request was a HEAD, whose reply has no content, not even one that says no (RFC 9110 §9.3.2). */
  readonly isHead?: boolean;
  /** What the client is told to log in to; printable ASCII. */
  readonly realm?: string | undefined;
  /** The methods that a 405 recommends. */
  readonly allow?: string;
}

export interface RefusalReply {
  readonly status: number;
  readonly bytes: Uint8Array;
}

/** Words a refusal: one sentence in plain text with reason and tunnel id. Undefined where the table says to close without a word. */
export function encodeRefusal(error: TunnelError, context: RefusalContext): RefusalReply | undefined {
  const { http }: Refusal = REFUSALS[error.reason];
  if (!http) return undefined;

  const content = Buffer.from(writeSentence(error, context.tunnelId), 'utf8');
  const lines = [
    `HTTP/1.1 ${http.status} ${STATUS_CODES[http.status] ?? ''}`,
    `Date: ${context.date.toUTCString()}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${content.length}`,
    // Always, 407 included: bytes that an optimistic client sent behind its request must not be read as the next one.
    'Connection: close',
    `Proxy-Status: sallyport; error=${http.proxyError}`,
    ...fieldsOfReason(error, context),
  ];
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return { status: http.status, bytes: context.isHead ? head : Buffer.concat([head, content]) };
}

/** `No rule allows example.com:443 (policy, tunnel 7f3a).` */
function writeSentence(error: TunnelError, tunnelId: string): string {
  return `${error.message.replace(/\.$/, '')} (${error.reason}, tunnel ${tunnelId}).\n`;
}

/** What a status must, or had better, bring along. */
function fieldsOfReason({ reason, retryAfterSeconds }: TunnelError, context: RefusalContext): readonly string[] {
  const { realm = '', allow = 'CONNECT' } = context;
  switch (reason) {
    case 'method':
      return [`Allow: ${allow}`]; // RFC 9110 §15.5.6
    case 'auth':
      return [`Proxy-Authenticate: Basic realm=${quote(realm)}, charset="UTF-8"`]; // RFC 9110 §15.5.8, RFC 7617 §2.1
    case 'client_limit':
      return [`Retry-After: ${Math.ceil(retryAfterSeconds ?? 1)}`]; // RFC 6585 §4; whole seconds (RFC 9110 §10.2.3)
    default:
      return [];
  }
}

/** A quoted-string (RFC 9110 §5.6.4). */
function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
