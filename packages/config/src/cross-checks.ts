/** Checks across several keys: names and addresses that are used twice, references to names that are not defined. */
import * as z from 'zod';
import { compileNetworks, parseIp } from '@sallyport/addresses';
import { networkCutFrom, readAdminBind } from './addresses.ts';
import { findRepeatedBinds } from './bind-checks.ts';
import type { ConfigPath, Problem } from './problems.ts';
import { findUnmetArrivals } from './arrival-checks.ts';
import { findUnmetEgresses } from './egress-checks.ts';
import { findUnmetInterception } from './interception-checks.ts';
import { DEFAULT_PORT } from './schema/listeners.ts';
import { hintAtNames } from './suggest.ts';
import { findUnknownRules } from './test-checks.ts';
import { isFlag } from './units.ts';

/** Checks a file across its sections. Reads only the keys it needs, so that it also runs on a file with other faults. */
export function checkAcross(value: unknown): Problem[] {
  const file = looseFile.parse(value);
  return [
    ...findRepeatedNames(file),
    ...findRepeatedBinds(value),
    ...findUnknownListeners(file),
    ...findUnknownRules(value),
    ...findUnaskedClients(file),
    ...findUnmetInterception(value),
    ...findUnreadEch(file),
    ...findUnusedPorts(file),
    ...findUnusedThreads(file),
    ...findEndlessTunnels(file),
    ...findExposedControl(file),
    ...findUnmetEgresses(value),
    ...findUnmetArrivals(value),
    ...findBitsBeyondPrefix(file),
  ];
}

const text = z.string().optional().catch(undefined);
const texts = z.array(text).optional().catch(undefined);
const listOf = <Item extends z.ZodType>(item: Item) => z.array(item).catch([]);

const looseListener = z
  .object({
    name: text,
    mode: text,
    port: z.union([z.number(), z.string()]).optional().catch(undefined),
    misdirected: text,
    verify_sni: text,
    ech: text,
    proxy_protocol: texts,
    auth: z.unknown().optional(),
    tls: z.object({ client_ca: z.unknown().optional() }).optional().catch(undefined),
  })
  .catch({});
const looseRule = z.object({ clients: texts, listeners: texts, networks: texts }).catch({});
const looseDestinations = z.object({ deny: texts, allow: texts }).catch({});
const loosePolicy = z
  .object({ rules: listOf(looseRule), hints: texts, destinations: looseDestinations })
  .catch({ rules: [], destinations: {} });
const looseTest = z.object({ listener: text }).catch({});
const looseLog = z.object({ access: z.unknown().optional(), progress: text }).catch({});
const looseAdmin = z.object({ bind: text, control: z.unknown().optional() }).catch({});
const looseRuntime = z.object({ engine: text, threads: z.unknown().optional() }).catch({});

const looseFile = z
  .object({
    listeners: listOf(looseListener),
    policy: loosePolicy,
    tests: listOf(looseTest),
    admin: looseAdmin,
    log: looseLog,
    runtime: looseRuntime,
  })
  .catch({ listeners: [], tests: [], admin: {}, log: {}, runtime: {}, policy: { rules: [], destinations: {} } });

type LooseFile = z.output<typeof looseFile>;
type LooseListener = z.output<typeof looseListener>;

function findRepeatedNames({ listeners }: LooseFile): Problem[] {
  const seen = new Set<string>();
  return listeners.flatMap(({ name }, index): Problem[] => {
    if (name === undefined) return [];
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    const message = `a listener named ${JSON.stringify(name)} is there already; names are unique`;
    return [{ severity: 'error', path: ['listeners', index, 'name'], message }];
  });
}

function findUnknownListeners({ listeners, policy, tests }: LooseFile): Problem[] {
  const known = listeners.map(({ name }) => name).filter((name) => name !== undefined);
  const explain = (name: string | undefined, path: ConfigPath): Problem[] => {
    if (name === undefined || known.includes(name)) return [];
    const message = `no listener is named ${JSON.stringify(name)}${hintAtNames(name, known)}`;
    return [{ severity: 'error', path, message }];
  };
  return [
    ...policy.rules.flatMap((rule, index) =>
      (rule.listeners ?? []).flatMap((name, at) => explain(name, ['policy', 'rules', index, 'listeners', at])),
    ),
    ...tests.flatMap(({ listener }, index) => explain(listener, ['tests', index, 'listener'])),
  ];
}

/** A client that is served at the wrong door must meet the requirements of both doors. */
function findUnaskedClients({ listeners }: LooseFile): Problem[] {
  const asked = explainAsked(listeners);
  return listeners.flatMap((listener, index): Problem[] => {
    const pastWhat = listener.misdirected === 'serve' ? explainWayRound(listener, asked) : undefined;
    if (pastWhat === undefined) return [];
    const message = `serve would let clients avoid ${pastWhat}; write explain`;
    return [{ severity: 'error', path: ['listeners', index, 'misdirected'], message }];
  });
}

/** What some listener asks of its clients, which a CONNECT at a transparent door would not meet. */
function explainAsked(listeners: readonly LooseListener[]): string | undefined {
  if (listeners.some(({ auth }) => auth !== undefined))
    return 'the auth of another listener, for no CONNECT is asked for credentials here';
  if (listeners.some(({ tls }) => tls?.client_ca !== undefined))
    return 'the client_ca of another listener, for no CONNECT is asked for a certificate here';
  return undefined;
}

function explainWayRound(listener: LooseListener, asked: string | undefined): string | undefined {
  const { mode, auth, ech, verify_sni } = listener;
  if (auth !== undefined) return 'auth, for a ClientHello has no credentials';
  if (mode !== 'sni') return undefined;
  if (ech === 'deny') return 'ech: deny, for a CONNECT is served before its ClientHello is seen';
  if (verify_sni === 'enforce')
    return 'verify_sni: enforce, for a CONNECT has no address that its name could be held against';
  return asked;
}

/** At the explicit door `ech` applies only to hellos that are read, and a name check only to hellos whose name is not encrypted. */
function findUnreadEch({ listeners }: LooseFile): Problem[] {
  return listeners.flatMap(({ mode, verify_sni = 'off', ech }, index): Problem[] => {
    if (mode !== 'connect') return [];
    if (ech === 'deny' && verify_sni === 'off') {
      const message = 'ech: deny needs verify_sni: report or enforce; without, the ClientHello in a tunnel is not read';
      return [{ severity: 'error', path: ['listeners', index, 'ech'], message }];
    }
    if (ech === 'deny' || verify_sni !== 'enforce') return [];
    const message = 'enforce sees only the outer name of an encrypted ClientHello; add ech: deny to refuse those';
    return [{ severity: 'warning', path: ['listeners', index, 'verify_sni'], message }];
  });
}

/** A CONNECT names its port. Only a ClientHello that is served at this door goes to `port`; its default asks for nothing. */
function findUnusedPorts({ listeners }: LooseFile): Problem[] {
  return listeners.flatMap(({ mode, port, misdirected }, index): Problem[] => {
    const isAsked = /^[0-9]+$/.test(String(port)) && Number(port) !== DEFAULT_PORT;
    if (mode !== 'connect' || !isAsked || misdirected === 'serve') return [];
    const message = 'port is for a ClientHello that is served at this door, so it needs misdirected: serve; remove it';
    return [{ severity: 'error', path: ['listeners', index, 'port'], message }];
  });
}

/** Whoever tries both engines with one file is not to change it each time. */
function findUnusedThreads({ runtime }: LooseFile): Problem[] {
  const { engine, threads = 'auto' } = runtime;
  if (engine !== 'portable' || threads === 'auto') return [];
  const message = 'threads has no effect, for the portable engine has no data threads; remove it';
  return [{ severity: 'warning', path: ['runtime', 'threads'], message }];
}

/** Of a tunnel that has a line when it is up, readers of the log expect one when it ends. */
function findEndlessTunnels({ log: { access, progress = 'off' } }: LooseFile): Problem[] {
  if (!isFlag(access, false) || progress === 'off') return [];
  const message = 'no line says that a tunnel ended while access is false; set access: true';
  return [{ severity: 'warning', path: ['log', 'progress'], message }];
}

/** The admin server asks nobody who they are. Its default is on loopback. */
function findExposedControl({ admin: { bind, control } }: LooseFile): Problem[] {
  const read = bind === undefined ? undefined : readAdminBind(bind);
  if (!isFlag(control, true) || read?.kind !== 'ok' || 'path' in read.value) return [];
  const ip = parseIp(read.value.host);
  if (ip === undefined || loopback.contains(ip)) return [];
  const message = `whoever reaches ${bind} may end tunnels; bind it to loopback or to a unix socket`;
  return [{ severity: 'warning', path: ['admin', 'control'], message }];
}

const loopback = compileNetworks(['loopback']);

function findBitsBeyondPrefix({ listeners, policy }: LooseFile): Problem[] {
  const lists = [
    ...listeners.map(({ proxy_protocol }, index) => ({
      path: ['listeners', index, 'proxy_protocol'],
      entries: proxy_protocol,
    })),
    ...policy.rules.flatMap((rule, index) => [
      { path: ['policy', 'rules', index, 'clients'], entries: rule.clients },
      { path: ['policy', 'rules', index, 'networks'], entries: rule.networks },
    ]),
    { path: ['policy', 'hints'], entries: policy.hints },
    { path: ['policy', 'destinations', 'deny'], entries: policy.destinations.deny },
    { path: ['policy', 'destinations', 'allow'], entries: policy.destinations.allow },
  ];
  return lists.flatMap(({ path, entries = [] }) =>
    entries.flatMap((entry, at) => (entry === undefined ? [] : explainBitsBeyondPrefix(entry, [...path, at]))),
  );
}

function explainBitsBeyondPrefix(entry: string, path: ConfigPath): Problem[] {
  const network = networkCutFrom(entry);
  if (network === undefined) return [];
  return [{ severity: 'warning', path, message: `${entry} has bits beyond its prefix; it is read as ${network}` }];
}
