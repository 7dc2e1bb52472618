/** A configuration that comes with the program, as it runs in a test: on free ports, with names and destinations on loopback. */
import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

/** What is read of a configuration; the program itself has checked the rest. */
interface Written {
  listeners: Record<string, unknown>[];
  egress?: Record<string, unknown>[];
  policy?: { rules?: readonly { ports?: unknown }[]; destinations?: object };
  dns?: { hosts?: Record<string, readonly string[]> };
  tests?: { to: string; expect: string; client: string; listener?: string }[];
  admin?: object;
}

export interface CopyOptions {
  /** In place of every port of the rules. */
  readonly port: number;
  /** By name of egress: what takes the place of its keys. */
  readonly egress?: Readonly<Record<string, object>>;
  /** By name of listener, likewise. */
  readonly listeners?: Readonly<Record<string, object>>;
  /** Names that lead to this machine, beside those that a test allows. */
  readonly names?: readonly string[];
}

export interface LoopbackCopy {
  readonly text: string;
  /** What the file's own first tests ask of it. */
  readonly allowed: string;
  readonly denied: string;
  readonly listener: string;
  readonly mode: string;
}

/** @param file below configs/ */
export function loopbackCopy(
  file: string,
  { port, egress = {}, listeners = {}, names = [] }: CopyOptions,
): LoopbackCopy {
  const path = new URL(`../../configs/${file}`, import.meta.url);
  const written = parse(readFileSync(path, 'utf8')) as Written; // A boundary: our own files, which check has found in order.
  const { tests = [], policy, dns } = written;
  const hostOf = (expect: string): string => tests.find((test) => test.expect === expect)?.to.split(':')[0] ?? '';
  const [allowed, denied] = [hostOf('allow'), hostOf('deny')];
  const here = Object.fromEntries([allowed, ...names].filter(Boolean).map((name) => [name, ['127.0.0.1']]));
  const rules: readonly { ports?: unknown; action?: string }[] = policy?.rules ?? [{ action: 'allow' }];
  const listener = tests[0]?.listener ?? String(written.listeners[0]?.['name']);
  const copy = {
    ...written,
    tests: [],
    listeners: written.listeners.map((door) => ({
      ...door,
      bind: '127.0.0.1:0',
      ...(door['mode'] === 'sni' && { port }),
      ...listeners[String(door['name'])],
    })),
    ...(written.egress && { egress: written.egress.map((way) => ({ ...way, ...egress[String(way['name'])] })) }),
    policy: {
      ...policy,
      rules: rules.map((rule) => (rule.ports === undefined ? rule : { ...rule, ports: [port] })),
      destinations: { ...policy?.destinations, allow: ['loopback'] },
    },
    dns: { ...dns, hosts: { ...dns?.hosts, ...here } },
    admin: { bind: '127.0.0.1:0' },
  };
  const mode = String(written.listeners.find(({ name }) => name === listener)?.['mode']);
  return { text: stringify(copy), allowed, denied, listener, mode };
}
