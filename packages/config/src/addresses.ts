/**
 * How addresses and networks are written in the configuration.
 *
 * An address is an IP literal in its full form only. The shorthands that C libraries read as addresses (`127.1`, `0x7f.1`,
 * `017700000001`) are refused, because programs disagree on what they mean.
 */
import { domainToASCII } from 'node:url';
import {
  authorityText,
  canonicalCidr,
  compileNetworks,
  type Ip,
  isHostName,
  MAX_NAME_LENGTH,
  type Network,
  parseIp,
} from '@sallyport/addresses';
import { didYouMean } from './suggest.ts';
import { malformed, ok, type Read, readPort } from './units.ts';

/** An IP literal in canonical spelling (IPv4-mapped IPv6 as IPv4), and a port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Sockets that systemd opens and passes under a name (FileDescriptorName=). */
export interface PassedSockets {
  readonly systemd: string;
}

/** Where a listener listens. */
export type Bind = Address | PassedSockets;

/** A destination for tunnels without a name: a host name or an IP literal, and a port. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Reads where to listen: an address, or the name of sockets that systemd passes. */
export function readListenerBind(text: string): Read<Bind> {
  if (!text.startsWith('systemd:')) return readBind(text);
  const name = text.slice('systemd:'.length);
  // The characters that FileDescriptorName= allows: ASCII without control characters and colons.
  if (/^[!-9;-~]{1,255}$/.test(name)) return ok({ systemd: name });
  return refuse('systemd: is followed by the FileDescriptorName= of a socket unit; write systemd:transparent, say');
}

/** Spells it as in the file. */
export function bindText(bind: Bind): string {
  if ('systemd' in bind) return `systemd:${bind.systemd}`;
  return authorityText(bind);
}

/** A Unix socket in the file system. */
export interface UnixSocket {
  readonly path: string;
}

/** The room for a path in sockaddr_un, with the NUL at its end (unix(7)). */
const LONGEST_PATH_BYTES = 107;

/** No system call takes a path with one. */
export const NO_NUL = 'a path holds no NUL character; remove it';

/** Reads where the admin server listens: an address, or `unix:PATH`. */
export function readAdminBind(text: string): Read<Address | UnixSocket> {
  if (!text.startsWith('unix:')) return readBind(text, ADMIN_REMEDIES);
  const path = text.slice('unix:'.length);
  if (!path.startsWith('/'))
    return refuse('unix: is followed by an absolute path; write unix:/run/sallyport/admin.sock, say');
  if (path.endsWith('/')) return refuse(`a socket has a name of its own; write unix:${path}admin.sock, say`);
  // The system would take what stands before it for the whole path.
  if (path.includes('\0')) return refuse(NO_NUL);
  if (Buffer.byteLength(path) > LONGEST_PATH_BYTES)
    return refuse(`the path of a socket has at most ${LONGEST_PATH_BYTES} bytes`);
  return ok({ path });
}

/** What an author is told to write in place of what cannot be read. */
interface BindRemedies {
  readonly example: string;
  readonly ofPort: (port: string) => string;
  readonly ofWildcard: (port: number) => string;
  readonly ofLinkLocal: (port: number) => string;
}

const LISTENER_REMEDIES: BindRemedies = {
  example: '127.0.0.1:3128',
  ofPort: (port) => `write "0.0.0.0:${port}"`,
  ofWildcard: (port) => `for every IPv4 address write "0.0.0.0:${port}", for IPv6 "[::]:${port}"`,
  ofLinkLocal: (port) => `write "[::]:${port}"`,
};

/** The admin server trusts every client that reaches it. */
const ADMIN_REMEDIES: BindRemedies = {
  example: '127.0.0.1:9128',
  ofPort: (port) => `write "127.0.0.1:${port}"`,
  ofWildcard: (port) =>
    `for this machine alone write "127.0.0.1:${port}", else an address of a network that is trusted`,
  ofLinkLocal: (port) => `write "[::1]:${port}"`,
};

/** Reads an address to listen on; port 0 is any free one. */
export function readBind(text: string, remedies = LISTENER_REMEDIES): Read<Address> {
  if (text.startsWith('systemd:')) return refuse('only listeners take sockets that systemd passes; give host:port');
  if (/^\d+$/.test(text)) return refuse(`a port alone does not say where to listen; ${remedies.ofPort(text)}`);
  const { host, port } = splitHostAndPort(text, 0);
  if (host === undefined || port === undefined)
    return malformed(text, `host:port such as "${remedies.example}"${formHint(text)}`);
  if (host === '' || host === '*') return refuse(remedies.ofWildcard(port));
  // Names are not resolved for listening: their addresses may change, and the file must show what is open.
  const ip = parseIp(host.toLowerCase() === 'localhost' ? '127.0.0.1' : host);
  if (ip === undefined) return refuse(`${JSON.stringify(host)} is not an IP address; listen on one`);
  // Without a zone the kernel refuses it (ipv6(7)), and a zone is no part of a bind.
  if (linkLocalIpv6.contains(ip))
    return refuse(`${ip.text} is a link-local address, which needs a zone; ${remedies.ofLinkLocal(port)}`);
  const group = groupOf(ip);
  if (group !== undefined)
    return refuse(`${ip.text} is ${group}, to which no client can connect; ${remedies.ofWildcard(port)}`);
  return ok({ host: ip.text, port });
}

const linkLocalIpv6 = compileNetworks(['fe80::/10']);
const multicast = compileNetworks(['224.0.0.0/4', 'ff00::/8']);

/** What an address is that stands for many machines, so that no TCP connection has it (RFC 9293 §3.9.2.3). */
function groupOf(ip: Ip): string | undefined {
  if (multicast.contains(ip)) return 'a multicast address';
  return ip.text === '255.255.255.255' ? 'the broadcast address' : undefined;
}

/** Reads the address from which an egress dials. */
export function readSourceAddress(text: string): Read<string> {
  const ip = parseIp(text);
  if (ip === undefined) return malformed(text, 'an IP address of this machine');
  const why = explainNoSource(ip);
  return why === undefined ? ok(ip.text) : refuse(`${ip.text} is ${why}; write an address of this machine`);
}

function explainNoSource(ip: Ip): string | undefined {
  if (EVERY_ADDRESS.includes(ip.text)) return 'no address of its own';
  return linkLocalIpv6.contains(ip) ? 'a link-local address, which needs a zone' : groupOf(ip);
}

/** To listen on them is to listen on every address of their family. */
export const EVERY_ADDRESS: readonly string[] = ['0.0.0.0', '::'];

/** Reads a DNS server: an address, its port 53 unless given. */
export function readServer(text: string): Read<Address> {
  const isBracketed = text.startsWith('[') && text.endsWith(']') && text.includes(':');
  const bare = readIp(isBracketed ? text.slice(1, -1) : text);
  if (bare !== undefined) return ok({ host: bare, port: 53 });
  const { host = '', port } = splitHostAndPort(text, 1);
  const ip = readIp(host);
  if (ip !== undefined && port !== undefined) return ok({ host: ip, port });
  return malformed(text, 'the IP address of a DNS server such as "10.0.0.2" or "[2001:db8::2]:5353"');
}

/** Reads where tunnels without a name go, if the words `reject` and `original` do not say it. */
export function readDestination(text: string): Read<HostAndPort> {
  return readHostAndPort(text, 'reject, original, or a destination such as "fallback.example:443"');
}

/** Reads where a parent listens. */
export function readParentAddress(text: string): Read<HostAndPort> {
  const read = readHostAndPort(text, 'host:port such as "proxy.corp:3128"');
  const ip = read.kind === 'ok' ? parseIp(read.value.host) : undefined;
  const group = ip && groupOf(ip);
  if (group === undefined) return read;
  return refuse(`${ip?.text} is ${group}, to which nobody can connect; write the address of one machine`);
}

/** Reads the `host:port` of a request. */
export function readTested(text: string): Read<HostAndPort> {
  return readHostAndPort(text, 'host:port such as "example.com:443"');
}

/** Reads `host:port`, the host a name or an IP literal. */
function readHostAndPort(text: string, expected: string): Read<HostAndPort> {
  const { host = '', port } = splitHostAndPort(text, 1);
  const canonical = readIp(host) ?? readHostName(host);
  if (canonical !== undefined && port !== undefined) return ok({ host: canonical, port });
  return malformed(text, expected + formHint(text));
}

/** Reads a host name into lower case, without a trailing dot. */
export function readHostName(text: string): string | undefined {
  const name = text.replace(/\.$/, '');
  return isHostName(name) ? name.toLowerCase() : undefined;
}

/** Reads a host name that has to be one. */
export function readHostKey(text: string): Read<string> {
  const name = readHostName(text);
  if (name !== undefined) return ok(name);
  const ascii = asciiOf(text);
  return malformed(text, `a host name in A-label form${ascii === undefined ? '' : `, ${ascii}`}`);
}

/** The A-labels (RFC 5890) of a name that is written in other characters than ASCII; undefined for any other text. */
function asciiOf(text: string): string | undefined {
  // Punycode takes quadratic time.
  if (text.length > MAX_NAME_LENGTH || !/\P{ASCII}/u.test(text)) return undefined;
  return readHostName(domainToASCII(text));
}

/** Reads a network: one of `sets`, a CIDR or a single address. Bits beyond the prefix are dropped. */
export function readNetwork(text: string, sets: readonly string[]): Read<Network> {
  if (sets.includes(text)) return ok(text);
  const cidr = canonicalCidr(text);
  return cidr === undefined ? explainNetwork(text, sets) : ok(cidr);
}

/** The network of a CIDR with bits beyond its prefix, such as `10.0.0.1/8`; `undefined` if there are no such bits. */
export function networkCutFrom(cidr: string): Network | undefined {
  if (!cidr.includes('/')) return undefined;
  const network = readNetwork(cidr, []);
  if (network.kind === 'malformed') return undefined;
  const isCut = network.value.split('/')[0] !== readIp(cidr.slice(0, cidr.indexOf('/')));
  return isCut ? network.value : undefined;
}

/** Reads an IP literal into its canonical spelling; `undefined` for anything else, zones (`%eth0`) included. */
export function readIp(text: string): string | undefined {
  return parseIp(text)?.text;
}

function splitHostAndPort(text: string, lowestPort: number): { host?: string | undefined; port?: number | undefined } {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]:]*:[^\]]*)\]|([^:[\]]*)):(\d+)$/.exec(text) ?? [];
  return { host: bracketed ?? plain, port: readPort(port, lowestPort) };
}

/** What is wrong with an address that somebody took for something else. */
function formHint(text: string): string {
  const [scheme] = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text) ?? [];
  if (scheme !== undefined) return `, without ${scheme}`;
  const ascii = asciiOf(splitHostAndPort(text, 0).host ?? '');
  if (ascii !== undefined) return `, with its name in ASCII: ${ascii}`;
  return /^[^[\]]*:[^[\]]*:/.test(text) ? ', with brackets round an IPv6 address such as "[::1]:3128"' : '';
}

function explainNetwork(text: string, sets: readonly string[]): Read<never> {
  if (text === 'special') return refuse('the set "special" is for destinations; for clients write CIDRs');
  const known = `${sets.join(', ')}, an IP address, or a CIDR such as 10.0.0.0/8`;
  return refuse(`expected one of ${known}, got ${JSON.stringify(text)}${didYouMean(text, sets)}`);
}

function refuse(why: string): Read<never> {
  return { kind: 'malformed', why };
}
