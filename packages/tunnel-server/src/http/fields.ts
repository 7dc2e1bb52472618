/** Which fields of a message go on to the next hop, and which are added (RFC 9110 §7.6). */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Names and values in turn, spelled as they came: what `node:http` calls raw headers. */
export type RawFields = readonly string[];

/** What of a message counts here. */
export interface MessageHead {
  readonly httpVersion: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: RawFields;
}

/** What Via calls us (RFC 9110 §7.6.3). */
const PSEUDONYM = 'sallyport';

/** Meant for one connection, whether Connection names them or not (RFC 9110 §7.6.1, §11.7), and never for the hop beyond it. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Written anew from what the message is, so that no Connection field can strip a message of its own ends. */
const REWRITTEN: ReadonlySet<string> = new Set(['content-length', 'host', 'max-forwards']);

/** Methods whose requests have content as a rule: without any they must say so (RFC 9110 §8.6). */
const WITH_CONTENT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/**
 * The fields of a request on its way up. No X-Forwarded-For: a client's address is none of the destination's business, and what
 * the client wrote into it stays as it is.
 * @param host as the destination is to read it, whatever the client's own Host said (RFC 9112 §3.2.2)
 */
export function requestFieldsUp(request: IncomingMessage, host: string): RawFields {
  const isOld = request.httpVersion === '1.0';
  const upgrade = offeredUpgrade(request);
  // 100-continue of HTTP/1.0 is to be ignored (RFC 9110 §10.1.1).
  const fields = endToEnd(request).filter(([name]) => !(isOld && name.toLowerCase() === 'expect'));
  return [
    ['Host', host],
    ...fields,
    ...requestFraming(request),
    ...maxForwards(request),
    via(request),
    ...(upgrade === undefined ? [] : [['Upgrade', upgrade] as const]),
    ['Connection', connectionOptions(request, upgrade)],
    ...(acceptsTrailers(request) ? [['TE', 'trailers'] as const] : []),
  ].flat();
}

/** The fields of a response on its way down; its Transfer-Encoding and Connection are for whoever writes it to say. */
export function responseFieldsDown(response: MessageHead): RawFields {
  const length = response.headers['content-length'];
  return [
    ...endToEnd(response),
    ...(length === undefined ? [] : [['Content-Length', length] as const]),
    via(response),
  ].flat();
}

/** The fields of a 101: those of any response, and what the connection changes to. */
export function switchingFieldsDown(response: MessageHead): RawFields {
  return [...responseFieldsDown(response), 'Upgrade', response.headers.upgrade ?? '', 'Connection', 'upgrade'];
}

/**
 * The protocols a client would change to. h2c is not passed on: behind such an upgrade every request would be one that nobody
 * decided on, and RFC 9113 §3.1 has given it up.
 */
export function offeredUpgrade(request: MessageHead): string | undefined {
  if (request.httpVersion === '1.0' || !namedByConnection(request).has('upgrade')) return undefined;
  const offered = listOf(request.headers.upgrade).filter((protocol) => !/^h2c?$/i.test(protocol));
  return offered.length > 0 ? offered.join(', ') : undefined;
}

/** `Max-Forwards` of TRACE and OPTIONS, which alone it concerns (RFC 9110 §7.6.2). */
export function forwardsLeft({ method, headers }: IncomingMessage): number | undefined {
  const value = headers['max-forwards'];
  if ((method !== 'TRACE' && method !== 'OPTIONS') || typeof value !== 'string' || !/^[0-9]{1,9}$/.test(value))
    return undefined;
  return Number(value);
}

/** How often a message has come through a proxy of our kind. */
export function countPassages({ headers }: MessageHead): number {
  return listOf(headers.via).filter((hop) => hop.split(' ')[1] === PSEUDONYM).length;
}

/** The trailers that go on: none that could change what the message is or where it ends (RFC 9110 §6.5.1). */
export function trailersOf({ rawTrailers }: IncomingMessage): readonly Field[] {
  return pairs(rawTrailers).filter(([name]) => passes(name));
}

type Field = [name: string, value: string];

function endToEnd(message: MessageHead): readonly Field[] {
  const named = namedByConnection(message);
  return pairs(message.rawHeaders).filter(([name]) => passes(name) && !named.has(name.toLowerCase()));
}

function passes(name: string): boolean {
  const key = name.toLowerCase();
  return !HOP_BY_HOP.has(key) && !REWRITTEN.has(key);
}

function requestFraming({ method = '', headers }: IncomingMessage): readonly Field[] {
  if (headers['transfer-encoding'] !== undefined) return [['Transfer-Encoding', 'chunked']];
  const length = headers['content-length'] ?? (WITH_CONTENT.has(method) ? '0' : undefined);
  return length === undefined ? [] : [['Content-Length', length]];
}

function maxForwards(request: IncomingMessage): readonly Field[] {
  const left = forwardsLeft(request);
  if (left !== undefined) return [['Max-Forwards', String(left - 1)]];
  const value = request.headers['max-forwards'];
  return typeof value === 'string' ? [['Max-Forwards', value]] : [];
}

/** Behind those that are there already. */
function via({ httpVersion }: MessageHead): Field {
  return ['Via', `${httpVersion} ${PSEUDONYM}`];
}

function connectionOptions(request: MessageHead, upgrade: string | undefined): string {
  const options = [upgrade === undefined ? 'close' : 'upgrade', ...(acceptsTrailers(request) ? ['TE'] : [])];
  return options.join(', ');
}

function acceptsTrailers({ headers }: MessageHead): boolean {
  return listOf(headers['te']).some((coding) => coding.toLowerCase() === 'trailers');
}

function namedByConnection({ headers }: MessageHead): ReadonlySet<string> {
  return new Set(listOf(headers.connection).map((option) => option.toLowerCase()));
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  const text = typeof value === 'string' ? value : (value ?? []).join(',');
  return text
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '');
}

function pairs(raw: RawFields): readonly Field[] {
  return Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at] ?? '', raw[2 * at + 1] ?? '']);
}
