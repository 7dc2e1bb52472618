/** Checks the places where listeners and the admin server listen, together: no two can have the same. */
import * as z from 'zod';
import { EVERY_ADDRESS, readBind, readListenerBind } from './addresses.ts';
import type { ConfigPath, Problem } from './problems.ts';
import { DEFAULT_ADMIN_BIND } from './schema.ts';
import { isFlag } from './units.ts';

/** Finds each bind that cannot be had beside one before it. Reads only the keys it needs, so that it also runs on a file with other faults. */
export function findRepeatedBinds(value: unknown): Problem[] {
  const { listeners, admin } = looseFile.parse(value);
  const binds = listeners.flatMap(({ bind, dual_stack }, index) => {
    const isDualStack = isFlag(dual_stack, true);
    return typeof bind === 'string'
      ? [{ bind, isDualStack, path: ['listeners', index, 'bind'] }]
      : bind.map((one, at) => ({ bind: one, isDualStack, path: ['listeners', index, 'bind', at] }));
  });
  const adminBind = { bind: admin.bind ?? DEFAULT_ADMIN_BIND, isDualStack: false, path: ['admin', 'bind'] };
  // A default does not stand in the file: then the problem is reported at the listener.
  const inOrder = admin.bind === undefined ? [adminBind, ...binds] : [...binds, adminBind];
  const taken: Taken = { sockets: new Set(), hosts: new Map() };
  return inOrder.flatMap(({ path, ...written }): Problem[] => {
    const message = take(written, path, taken);
    return message === undefined ? [] : [{ severity: 'error', path, message }];
  });
}

const text = z.string().optional().catch(undefined);
const looseListener = z
  .object({
    bind: z.union([z.string(), z.array(text)]).catch([]),
    dual_stack: z.union([z.boolean(), z.string()]).optional().catch(undefined),
  })
  .catch({ bind: [] });
const looseFile = z
  .object({ listeners: z.array(looseListener).catch([]), admin: z.object({ bind: text }).catch({}).prefault({}) })
  .catch({ listeners: [], admin: {} });

interface Taken {
  /** Names of sockets that systemd passes. */
  readonly sockets: Set<string>;
  /** Addresses by family and port: the first one, and all of them. */
  readonly hosts: Map<string, { readonly first: string; readonly all: Set<string> }>;
}

interface WrittenBind {
  readonly bind: string | undefined;
  readonly isDualStack: boolean;
}

/** Takes the place, or says why it cannot be had. */
function take({ bind = '', isDualStack }: WrittenBind, path: ConfigPath, taken: Taken): string | undefined {
  const read = path[0] === 'admin' ? readBind(bind) : readListenerBind(bind);
  if (read.kind === 'malformed') return undefined;
  if ('systemd' in read.value) {
    const { systemd } = read.value;
    if (taken.sockets.has(systemd))
      return `the sockets of ${bind} are in use already; give each bind a name of its own`;
    taken.sockets.add(systemd);
    return undefined;
  }
  const { host, port } = read.value;
  // Port 0 is another free port each time.
  return port === 0 ? undefined : takeAddress(host, port, familiesOf(host, isDualStack), taken);
}

function familiesOf(host: string, isDualStack: boolean): readonly string[] {
  if (!host.includes(':')) return ['IPv4'];
  return isDualStack && host === '::' ? ['IPv6', 'IPv4'] : ['IPv6'];
}

function takeAddress(host: string, port: number, families: readonly string[], { hosts }: Taken): string | undefined {
  const places = families.map((family) => `${family} ${port}`);
  for (const place of places) {
    const there = hosts.get(place);
    if (there?.all.has(host))
      return `${host} port ${port} is taken by another listener or admin.bind; choose another port`;
    const every = EVERY_ADDRESS.find((each) => there?.all.has(each));
    if (every !== undefined) return explainOverlap(host, every, port);
    if (there && EVERY_ADDRESS.includes(host)) return explainOverlap(there.first, host, port);
  }
  for (const place of places) {
    const there = hosts.get(place) ?? { first: host, all: new Set<string>() };
    hosts.set(place, there);
    there.all.add(host);
  }
  return undefined;
}

/** The kernel refuses the second of the two (bind(2), EADDRINUSE). */
function explainOverlap(host: string, every: string, port: number): string {
  return `port ${port} of ${host} is taken by ${every}, which is every address; choose another port, or remove one of the two`;
}
