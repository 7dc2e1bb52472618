/** How log collectors are written in the configuration. */
import { type HostAndPort, readParentAddress, readTested } from './addresses.ts';
import { ok, type Read } from './units.ts';

/** Where a syslog collector listens. */
export interface Collector extends HostAndPort {
  readonly isTls: boolean;
}

const SYSLOG_FORM = 'expected tls://host:port or tcp://host:port, with brackets round an IPv6 address';
const OTLP_FORM = 'expected a URL of http or https, such as "http://collector:4318"';

/** Reads `tls://host:port` or `tcp://host:port`. */
export function readCollector(text: string): Read<Collector> {
  const [, scheme, address = ''] = /^(tls|tcp):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === undefined || readTested(address).kind === 'malformed') return refuse(SYSLOG_FORM);
  const read = readParentAddress(address);
  return read.kind === 'ok' ? ok({ ...read.value, isTls: scheme === 'tls' }) : read;
}

/** Reads the URL of an OTLP collector into one spelling. No message shows it: it may contain a token. */
export function readEndpoint(text: string): Read<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) return refuse(OTLP_FORM);
  if (url.username !== '' || url.password !== '')
    return refuse('a URL with a password in it is shown in many places; put it into headers: { authorization: … }');
  if (url.search !== '' || url.hash !== '') return refuse('a query or a fragment has no meaning here; leave it out');
  return ok(url.href);
}

function refuse(why: string): Read<never> {
  return { kind: 'malformed', why };
}
