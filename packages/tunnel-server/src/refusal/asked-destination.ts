/** Where a request that is refused wanted to go: for the log and for the client, never for a decision. */
import type { Destination } from '@sallyport/policy';
import { parseAuthority } from '../authority-form.ts';
import { trimWhitespace } from '../http/head-lines.ts';
import { parseRequestTarget } from '../http/request-target.ts';
import { linesSoFar } from './lines-so-far.ts';

/**
 * Reads the destination of a request that is not parsed, as far as it has arrived, whatever else is wrong with it. Undefined where it
 * names none, or two.
 * @param isToProxy the client knows that it uses a proxy: its target names the destination, and a Host field does not
 */
export function askedDestination(request: Uint8Array, isToProxy: boolean): Destination | undefined {
  const lines = linesSoFar(request);
  const [method, requestTarget, version] = lines[0]?.split(' ') ?? [];
  if (method === undefined || requestTarget === undefined) return undefined;
  if (!isWhole(version) && !WITH_PATH.test(requestTarget)) return undefined;
  if (method === 'CONNECT') {
    const destination = parseAuthority(requestTarget);
    return destination.kind === 'malformed' ? undefined : destination;
  }
  const host = onlyHost(lines.slice(1, -1));
  const target = parseRequestTarget({ method, requestTarget, host }, isToProxy);
  return target.kind === 'target' ? target.destination : undefined;
}

/** Without the space behind it a target may go on, and behind another word than this it does. */
function isWhole(version: string | undefined): boolean {
  return version !== undefined && (version.startsWith(PROTOCOL) || PROTOCOL.startsWith(version));
}

function onlyHost(lines: readonly string[]): string | undefined {
  const [host, second] = lines.filter((line) => HOST.test(line));
  return host === undefined || second !== undefined ? undefined : trimWhitespace(host.slice('host:'.length));
}

const PROTOCOL = 'HTTP/';

/** Whatever follows: the host has ended. */
const WITH_PATH = /^[a-z]+:\/\/[^/?]+[/?]/i;

const HOST = /^host:/i;
