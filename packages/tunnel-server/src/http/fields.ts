/** Which fields of a message are forwarded to the next hop, and which are added (RFC 9110 §7.6). */
import { type ContentForm, namedLength } from './content-form.ts';
import { type Field, trimWhitespace } from './head-lines.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';
import { PSEUDONYM, viaHop } from '../via.ts';

/** As it is sent. */
export type FieldLine = readonly [name: string, value: string];

/** A request or a response, as far as its fields are concerned. */
export type MessageHead = Pick<RequestHead | ResponseHead, 'version' | 'fields'>;

/**
 * Fields for one connection, whether Connection names them or not (RFC 9110 §7.6.1, §11.7). They are never sent to the next hop. Trailer
 * is none of them (§6.6.2): some recipients take only the trailers that it announces.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Written anew, so that no Connection field can remove the length of a message. */
const REWRITTEN: ReadonlySet<string> = new Set(['content-length', 'host', 'max-forwards']);

/** Says what trailers come, so it is none itself. */
const ANNOUNCEMENT = 'trailer';

/** Methods whose requests usually have content: without any they must say so (RFC 9110 §8.6). */
const WITH_CONTENT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/**
 * The fields of a request that is sent up. No X-Forwarded-For is added: the destination need not know a client's address. One that the
 * client sent stays as it is.
 * @param host as the destination is to read it, whatever the client's own Host was (RFC 9112 §3.2.2)
 */
export function requestFieldsUp(request: RequestHead, form: ContentForm, host: string): readonly FieldLine[] {
  const isOld = request.version === '1.0';
  const upgrade = offeredUpgrade(request);
  // 100-continue of HTTP/1.0 is to be ignored (RFC 9110 §10.1.1).
  const fields = endToEnd(request).filter(({ name }) => !(isOld && name === 'expect'));
  return [
    ['Host', host],
    ...fields.map(asLine),
    ...requestFraming(request, form),
    ...maxForwards(request),
    ['Via', viaHop(request.version)],
    ...(upgrade === undefined ? [] : [['Upgrade', upgrade] as const]),
    ['Connection', connectionOptions(request, upgrade)],
    ...(acceptsTrailers(request) ? [['TE', 'trailers'] as const] : []),
  ];
}

/**
 * The fields of a response that is sent down, except Transfer-Encoding and Connection, which the code that frames it adds.
 * @param receivedAt of a final response: it becomes its Date where it has none (RFC 9110 §6.6.1)
 */
export function responseFieldsDown(response: ResponseHead, receivedAt?: Date): readonly FieldLine[] {
  const length = mayNameLength(response) ? namedLength(response) : undefined;
  const fields = endToEnd(response);
  const isDated = receivedAt === undefined || fields.some(({ name }) => name === 'date');
  return [
    ...fields.map(asLine),
    ...(length === undefined ? [] : [['Content-Length', String(length)] as const]),
    ...(isDated ? [] : [['Date', receivedAt.toUTCString()] as const]),
    ['Via', `${response.version} ${PSEUDONYM}`],
  ];
}

/** The fields of a 101: those of any response, and the protocol it changes to. */
export function switchingFieldsDown(response: ResponseHead): readonly FieldLine[] {
  const protocols = valuesOf(response, 'upgrade').join(', ');
  return [...responseFieldsDown(response), ['Upgrade', protocols], ['Connection', 'upgrade']];
}

/**
 * The protocols that a client offers to change to. h2c is not passed on: the requests behind such an upgrade would not be decided by the
 * policy, and RFC 9113 §3.1 has deprecated it.
 */
export function offeredUpgrade(request: MessageHead): string | undefined {
  if (request.version === '1.0' || !namedByConnection(request).has('upgrade')) return undefined;
  return passingProtocols(request);
}

/** Whether a 101 changes to what was offered: to nothing else may it (RFC 9110 §7.8). Of several layers one is enough. */
export function takesOffer(request: MessageHead, response: MessageHead): boolean {
  const offered = new Set(protocolNames(offeredUpgrade(request)?.split(',') ?? []));
  const taken = listOf(response, 'upgrade');
  return !taken.some((protocol) => HTTP2.test(protocol)) && protocolNames(taken).some((name) => offered.has(name));
}

/** Without their versions. */
function protocolNames(protocols: readonly string[]): readonly string[] {
  return protocols.map((protocol) => trimWhitespace(protocol.split('/', 1)[0] ?? '').toLowerCase());
}

/** The protocols that a 426 requires: without them it does not say what to change to (RFC 9110 §15.5.22). */
export function requiredUpgrade(response: ResponseHead): string | undefined {
  return response.status === UPGRADE_REQUIRED ? passingProtocols(response) : undefined;
}

const UPGRADE_REQUIRED = 426;

function passingProtocols(message: MessageHead): string | undefined {
  const protocols = listOf(message, 'upgrade').filter((protocol) => !HTTP2.test(protocol));
  return protocols.length > 0 ? protocols.join(', ') : undefined;
}

/** Also as a draft, such as h2c-14: servers that are still in use take those. */
const HTTP2 = /^(?:h2|http\/2)/i;

/**
 * Whether the sender keeps its connection for another message. One of HTTP/1.0 is never kept through a proxy (RFC 9112 §9.3). Clients of
 * before that RFC say `close` in Proxy-Connection, and may wait for it; Squid heeds it, too.
 */
export function isKeptAlive(message: MessageHead): boolean {
  const options = [...listOf(message, 'connection'), ...listOf(message, 'proxy-connection')];
  return message.version === '1.1' && !options.some((option) => option.toLowerCase() === 'close');
}

/** `Max-Forwards`, which applies to TRACE and OPTIONS only (RFC 9110 §7.6.2). A larger number than can be counted is the largest that can. */
export function forwardsLeft(request: RequestHead): number | undefined {
  const { method } = request;
  const [value = ''] = valuesOf(request, 'max-forwards');
  if ((method !== 'TRACE' && method !== 'OPTIONS') || !/^[0-9]+$/.test(value)) return undefined;
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}

/**
 * The trailers of a message that are passed on: none that could change its meaning or length (RFC 9110 §6.5.1), nor that Connection names
 * (§7.6.1).
 */
export function passingTrailers(head: MessageHead, trailers: readonly Field[]): readonly Field[] {
  const named = namedByConnection(head);
  return trailers.filter(({ name }) => passes(name) && name !== ANNOUNCEMENT && !named.has(name));
}

function endToEnd(message: MessageHead): readonly Field[] {
  const named = namedByConnection(message);
  return message.fields.filter(({ name }) => passes(name) && !named.has(name));
}

function passes(name: string): boolean {
  return !HOP_BY_HOP.has(name) && !REWRITTEN.has(name);
}

function asLine({ spelling, value }: Field): FieldLine {
  return [spelling, value];
}

function requestFraming({ method }: RequestHead, form: ContentForm): readonly FieldLine[] {
  if (form.kind === 'chunked') return [['Transfer-Encoding', 'chunked']];
  if (form.kind === 'length') return [['Content-Length', String(form.lengthBytes)]];
  return WITH_CONTENT.has(method) ? [['Content-Length', '0']] : [];
}

/** Neither an interim response nor a 204 may (RFC 9110 §8.6). */
function mayNameLength({ status }: ResponseHead): boolean {
  return status >= 200 && status !== 204;
}

function maxForwards(request: RequestHead): readonly FieldLine[] {
  const left = forwardsLeft(request);
  if (left !== undefined) return [['Max-Forwards', String(left - 1)]];
  return valuesOf(request, 'max-forwards').map((value) => ['Max-Forwards', value] as const);
}

function connectionOptions(request: RequestHead, upgrade: string | undefined): string {
  const options = [upgrade === undefined ? 'close' : 'upgrade', ...(acceptsTrailers(request) ? ['TE'] : [])];
  return options.join(', ');
}

function acceptsTrailers(request: MessageHead): boolean {
  return listOf(request, 'te').some((coding) => coding.toLowerCase() === 'trailers');
}

function namedByConnection(message: MessageHead): ReadonlySet<string> {
  return new Set(listOf(message, 'connection').map((option) => option.toLowerCase()));
}

function valuesOf({ fields }: MessageHead, name: string): readonly string[] {
  return fields.filter((field) => field.name === name).map(({ value }) => value);
}

function listOf(message: MessageHead, name: string): readonly string[] {
  return valuesOf(message, name)
    .flatMap((value) => value.split(','))
    .map(trimWhitespace)
    .filter((element) => element !== '');
}
