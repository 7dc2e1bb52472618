/** Encodes a refusal in HTTP. Both doors send it to clients that speak HTTP. */
import { toPrintable } from '@sallyport/policy';
import { statusPhrase } from './http/status-phrase.ts';
import { type ProxyError, REFUSALS, type Refusal, type TunnelError } from './reasons.ts';
import { acceptsJson } from './refusal/accepts-json.ts';
import { quoteDetails, quoteString, writeStatusLine } from './refusal/printable.ts';
import { type RefusedTunnel, writeProblem } from './refusal/problem.ts';

/** Who is refused, and how the client wants to be told. */
export interface RefusalContext {
  readonly tunnel: RefusedTunnel;
  /** When the reply is made, for its Date (RFC 9110 §6.6.1). */
  readonly date: Date;
  /** The request was a HEAD, whose reply never has content (RFC 9110 §9.3.2). */
  readonly isHead?: boolean;
  /** The request's Accept, where its head was read. */
  readonly accept?: string | undefined;
  /** The realm of the login; printable ASCII. */
  readonly realm?: string | undefined;
  /** The methods that a 405 recommends. */
  readonly allow?: string;
  /** In place of the table's answer, at a door that has one answer for all HTTP clients. */
  readonly answer?: HttpAnswer;
}

/** The reply as it is sent. */
export interface RefusalReply {
  readonly status: number;
  readonly bytes: Uint8Array;
}

/** What a door sends last: no bytes where it closes without a word, and no HTTP status where they are an alert of TLS. */
export interface LastReply {
  readonly bytes?: Uint8Array | undefined;
  readonly status?: number;
}

type HttpAnswer = NonNullable<Refusal['http']>;

/**
 * Words a refusal. The same sentence stands in the reason phrase, for most programs show nothing else, in Proxy-Status, and in the
 * content, as text or as problem JSON. Undefined where the table says to close without a reply.
 */
export function encodeRefusal(error: TunnelError, context: RefusalContext): RefusalReply | undefined {
  const { http: ofReason }: Refusal = REFUSALS[error.reason];
  const http = context.answer ?? ofReason;
  if (!http) return undefined;

  const status = error.status ?? http.status;
  const proxyError = error.proxyError ?? http.proxyError;
  const title = statusPhrase(status);
  const sentence = clientSentence(error);
  const { type, content } = encodeContent(error, context, { status, title, sentence });
  const lines = [
    writeStatusLine(status, title, sentence),
    `Date: ${context.date.toUTCString()}`,
    `Content-Type: ${type}`,
    `Content-Length: ${content.length}`,
    // Always, 407 included: bytes that a client sent behind its request must not be read as the next one.
    'Connection: close',
    `Proxy-Status: sallyport; ${statusParameters(error, { status, proxyError }, sentence).join('; ')}`,
    ...fieldsOfReason(error, context),
  ];
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return { status, bytes: context.isHead ? head : Buffer.concat([head, content]) };
}

/** Our own sentences lose their full stop within brackets. An operator's words stay as they are. */
function clientSentence({ message, isVerbatim }: TunnelError): string {
  return isVerbatim ? message : message.replace(/\.$/, '');
}

interface Worded {
  readonly status: number;
  readonly title: string;
  readonly sentence: string;
}

function encodeContent(error: TunnelError, { tunnel, accept }: RefusalContext, worded: Worded) {
  if (acceptsJson(accept)) {
    return { type: 'application/problem+json', content: Buffer.from(writeProblem(error, tunnel, worded), 'utf8') };
  }
  // `No rule allows example.com:443 (policy, tunnel 7f3a).`
  const text = `${worded.sentence} (${error.reason}, tunnel ${tunnel.id}).\n`;
  return { type: 'text/plain; charset=utf-8', content: Buffer.from(text, 'utf8') };
}

/** The parameters of Proxy-Status (RFC 9209 §2.1), with those of its error (§2.3). */
function statusParameters(error: TunnelError, { status, proxyError }: HttpAnswer, sentence: string): readonly string[] {
  return [`error=${proxyError}`, ...parametersOf(proxyError, error, status), `details=${quoteDetails(sentence)}`];
}

function parametersOf(proxyError: ProxyError, { rcode }: TunnelError, status: number): readonly string[] {
  switch (proxyError) {
    case 'dns_error': // §2.3.2
      return rcode === undefined ? [] : [`rcode=${quoteString(toPrintable(rcode))}`];
    case 'http_request_error': // §2.3.18
      return [`status-code=${status}`, `status-phrase=${quoteString(statusPhrase(status))}`];
    default:
      return [];
  }
}

/** The fields that a status requires or recommends. */
function fieldsOfReason({ reason, retryAfterSeconds }: TunnelError, context: RefusalContext): readonly string[] {
  const { realm = '', allow = 'CONNECT' } = context;
  switch (reason) {
    case 'method':
      return [`Allow: ${allow}`]; // RFC 9110 §15.5.6
    case 'auth':
      return [`Proxy-Authenticate: Basic realm=${quoteString(realm)}, charset="UTF-8"`]; // RFC 9110 §15.5.8, RFC 7617 §2.1
    case 'client_limit':
      return [`Retry-After: ${Math.ceil(retryAfterSeconds ?? 1)}`]; // RFC 6585 §4; whole seconds (RFC 9110 §10.2.3)
    default:
      return [];
  }
}
