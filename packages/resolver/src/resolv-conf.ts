/** The format of /etc/resolv.conf (resolv.conf(5)), as far as it says whom to ask for what. */
import { isIP } from 'node:net';
import type { Address } from '@sallyport/tunnel-splice';

export interface ResolvConf {
  readonly servers: readonly Address[];
  /** Suffixes for names with fewer than {@link ndots} dots. */
  readonly search: readonly string[];
  readonly ndots: number;
  /** `options timeout:`: how long a server is waited for before the next one is asked. */
  readonly tryMs?: number;
}

const DNS_PORT = 53;
/** The C library's own bounds (MAXNS and the RES_MAX constants of resolv.h). */
const MAX_SERVERS = 3;
const MAX_NDOTS = 15;
const MAX_TIMEOUT_SECONDS = 30;

/** Without the root's dot (RFC 1035 §2.3.4). */
const MAX_NAME_LENGTH = 253;

/**
 * Reads a resolv.conf. The last `search` or `domain` line counts; without a server, one on this machine is asked, as
 * the C library does.
 */
export function parseResolvConf(text: string): ResolvConf {
  const servers: Address[] = [];
  let search: readonly string[] = [];
  let ndots = 1;
  let tryMs: number | undefined;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver') servers.push(...values.slice(0, 1).filter(isLiteral).map(serverAddress));
    if (keyword === 'search') search = values.map(suffix).filter((each) => each !== '');
    if (keyword === 'domain') search = values.slice(0, 1).map(suffix);
    if (keyword !== 'options') continue;
    ndots = readOption(values, 'ndots', MAX_NDOTS) ?? ndots;
    const seconds = readOption(values, 'timeout', MAX_TIMEOUT_SECONDS);
    if (seconds) tryMs = 1000 * seconds;
  }
  const known = servers.length > 0 ? servers.slice(0, MAX_SERVERS) : [serverAddress('127.0.0.1')];
  return { servers: known, search, ndots, ...(tryMs !== undefined && { tryMs }) };
}

/**
 * The names to ask for, in order. A name with at least `ndots` dots is asked for as it is, and only so: trying the
 * suffixes after it failed, as the C library goes on to do, sends every mistyped public name into the local domain.
 */
export function searchNames(name: string, { search, ndots }: Pick<ResolvConf, 'search' | 'ndots'>): readonly string[] {
  const dots = name.split('.').length - 1;
  if (dots >= ndots) return [name];
  return [...search.map((each) => `${name}.${each}`).filter((each) => each.length <= MAX_NAME_LENGTH), name];
}

function isLiteral(text: string): boolean {
  return isIP(text) !== 0;
}

function serverAddress(host: string): Address {
  return { host, port: DNS_PORT };
}

function suffix(text: string): string {
  return text.toLowerCase().replace(/^\.+|\.+$/g, '');
}

function readOption(options: readonly string[], name: string, atMost: number): number | undefined {
  const digits = options.map((option) => new RegExp(`^${name}:(\\d+)$`).exec(option)?.[1]).findLast((value) => value);
  return digits === undefined ? undefined : Math.min(Number(digits), atMost);
}
