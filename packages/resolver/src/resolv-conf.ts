/** Parses the parts of /etc/resolv.conf (resolv.conf(5)) that say which servers to query, and how. */
import { isIP } from 'node:net';
import type { Address } from '@sallyport/tunnel-splice';
import { hasZone } from './name-server.ts';

export interface ResolvConf {
  readonly servers: readonly Address[];
  /** `options timeout:`: how long a server is waited for before the next one is asked. */
  readonly tryMs?: number;
}

const DNS_PORT = 53;
/** The C library's own bounds (MAXNS and the RES_MAX constants of resolv.h). */
const MAX_SERVERS = 3;
const MAX_TIMEOUT_SECONDS = 30;

/**
 * Reads a resolv.conf. Where it names no server, one on this machine is queried, as the C library does. A server with a zone
 * cannot be queried ({@link hasZone}): it is left out where there is another.
 *
 * `search`, `domain` and `ndots` are ignored: every name is queried as it is. A suffix added here, after the decision, would lead a
 * tunnel to a name that the policy and the log have not seen.
 */
export function parseResolvConf(text: string): ResolvConf {
  const servers: Address[] = [];
  let tryMs: number | undefined;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver') servers.push(...values.slice(0, 1).filter(isLiteral).map(serverAddress));
    if (keyword !== 'options') continue;
    const seconds = readOption(values, 'timeout', MAX_TIMEOUT_SECONDS);
    if (seconds) tryMs = 1000 * seconds;
  }
  const usable = servers.filter((server) => !hasZone(server));
  const known = usable.length > 0 ? usable : servers.length > 0 ? servers : [serverAddress('127.0.0.1')];
  return { servers: known.slice(0, MAX_SERVERS), ...(tryMs !== undefined && { tryMs }) };
}

function isLiteral(text: string): boolean {
  return isIP(text) !== 0;
}

function serverAddress(host: string): Address {
  return { host, port: DNS_PORT };
}

function readOption(options: readonly string[], name: string, atMost: number): number | undefined {
  const digits = options.map((option) => new RegExp(`^${name}:(\\d+)$`).exec(option)?.[1]).findLast((value) => value);
  return digits === undefined ? undefined : Math.min(Number(digits), atMost);
}
