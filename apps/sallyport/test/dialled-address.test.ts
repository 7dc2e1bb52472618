/** Whatever a door is set to: the address that it dials is an answer for the name that policy saw, or the literal that policy saw. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@sallyport/telemetry';
import { serveTunnel } from '@sallyport/tunnel-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDoors } from '../src/doors.ts';
import { createServices, type Services } from '../src/services.ts';
import { readSettings, type Settings } from '../src/settings.ts';
import {
  hello,
  join as bytesOf,
  padding,
  encryptedClientHello,
  record,
  serverName,
  sslv2Hello,
} from '../../ssl-preread-frontend/test/hello-fixtures.ts';

/** Each name and each way to say where to go has an address of its own. */
const HOSTS: Readonly<Record<string, string>> = {
  'a.test': '127.0.0.2',
  'b.test': '127.0.0.3',
  'fallback.test': '127.0.0.4',
};
const ELSEWHERE = '127.0.0.5';
const FALLBACK_LITERAL = '127.0.0.6';
const CONNECT_LITERAL = '127.0.0.7';
const SNI_LITERAL = '127.0.0.8';
const ADDRESSES = [...Object.values(HOSTS), ELSEWHERE, FALLBACK_LITERAL, CONNECT_LITERAL, SNI_LITERAL];
const LANES = 8;
const NO_CONTENT = 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
const origins: Server[] = [];
/** How often each address was dialled. */
const dialled = new Map<string, number>();
let port = 0;

beforeAll(async () => {
  while (!(await openOrigins()));
});

/** All on one port. False where that is taken at one of the addresses. */
async function openOrigins(): Promise<boolean> {
  port = 0;
  for (const host of ADDRESSES) {
    const server = createServer((socket) => {
      dialled.set(host, (dialled.get(host) ?? 0) + 1);
      socket.on('error', () => socket.destroy());
      socket.once('data', (first: Buffer) => socket.end(first.toString().startsWith('GET ') ? NO_CONTENT : ''));
    });
    try {
      await once(server.listen(port, host), 'listening');
    } catch {
      for (const opened of origins.splice(0)) opened.close();
      return false;
    }
    ({ port } = server.address() as AddressInfo); // A TCP server that listens has one.
    origins.push(server);
  }
  return true;
}

afterAll(() => {
  for (const server of origins) server.close();
  rmSync(folder, { recursive: true });
});

/** The keys of one door, by name. */
type Keys = Readonly<Record<string, string>>;

const ways = { http: ['reject', 'forward'], misdirected: ['explain', 'serve'], ech: ['allow', 'deny'] };
const verify = { verify_sni: ['off', 'report', 'enforce'] };

const transparentDoors = (): readonly Keys[] =>
  combine({
    mode: ['sni'],
    intercept: ['none', 'redirect', 'tproxy'],
    dial: ['sni', 'original'],
    without_sni: ['reject', 'original', `"fallback.test:${port}"`, `"${FALLBACK_LITERAL}:${port}"`],
    ...verify,
    ...ways,
  });
const explicitDoors = (): readonly Keys[] => combine({ mode: ['connect'], ...verify, ...ways });

function combine(choices: Readonly<Record<string, readonly string[]>>): readonly Keys[] {
  return Object.entries(choices).reduce<readonly Keys[]>(
    (all, [key, values]) => all.flatMap((keys) => values.map((value) => ({ ...keys, [key]: value }))),
    [{}],
  );
}

const hellos = {
  name: record(hello(serverName('a.test'))),
  'another name': record(hello(serverName('b.test'))),
  literal: record(hello(serverName(SNI_LITERAL))),
  none: record(hello(padding(1))),
  'SSL 2.0': sslv2Hello(),
  ech: record(hello(encryptedClientHello(), serverName('a.test'))),
};

/** All that a client may open with. */
function openings(): readonly Uint8Array[] {
  const authorities = [`a.test:${port}`, `${CONNECT_LITERAL}:${port}`];
  return [
    ...Object.values(hellos),
    ...authorities.flatMap((authority) => [
      ...Object.values(hellos).map((one) =>
        bytesOf(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`, one),
      ),
      bytesOf(`GET / HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`),
      bytesOf(`GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`),
    ]),
  ];
}

describe('the address that is dialled', () => {
  it.each([
    ['the transparent door', transparentDoors, 200],
    ['the explicit door', explicitDoors, 10],
  ])(
    'belongs to what policy saw, at %s, in every combination of its keys',
    { timeout: 180_000 },
    async (_door, doors, atLeast) => {
      const valid = doors().flatMap((keys) => {
        const settings = settingsOf(keys);
        return settings ? [{ keys, settings }] : [];
      });
      expect(valid.length).toBeGreaterThan(atLeast);

      dialled.clear();
      const lines = await visitAll(valid);

      const told = new Map<string, number>();
      for (const { host, upstream, keys } of lines) {
        const address = upstream.slice(0, upstream.lastIndexOf(':'));
        told.set(address, (told.get(address) ?? 0) + 1);
        // The one way to have a name dialled elsewhere: it says so, and `check` warns of it.
        const isClientBelieved = keys['dial'] === 'original' && keys['verify_sni'] !== 'enforce';
        const permitted = isClientBelieved && host in HOSTS ? [HOSTS[host], ELSEWHERE] : [HOSTS[host] ?? host];
        expect(permitted, `${JSON.stringify(keys)} of ${host}`).toContain(address);
      }
      expect(told).toEqual(dialled);
      expect(dialled.has(SNI_LITERAL)).toBe(false);
    },
  );
});

let files = 0;

/** Undefined where the configuration refuses the combination. */
function settingsOf(keys: Keys): Settings | undefined {
  const file = join(folder, `${++files}.yaml`);
  // A CONNECT names its port: the door has one only for the hellos that it serves.
  const own = keys['mode'] === 'sni' || keys['misdirected'] === 'serve' ? { port: `${port}` } : {};
  const listener = Object.entries({ name: `d${files}`, bind: '"127.0.0.1:0"', ...own, ...keys });
  writeFileSync(
    file,
    `listeners: [{ ${listener.map(([key, value]) => `${key}: ${value}`).join(', ')} }]
policy: { default: allow, destinations: { allow: [loopback] } }
dns: { servers: ["127.0.0.1:1"], hosts: ${JSON.stringify(Object.fromEntries(Object.entries(HOSTS).map(([name, ip]) => [name, [ip]])))} }
runtime: { engine: auto }
`,
  );
  const result = readSettings(file, {});
  return result.kind === 'ok' ? result.settings : undefined;
}

interface Dialled {
  readonly keys: Keys;
  /** What policy saw. */
  readonly host: string;
  readonly upstream: string;
}

interface Case {
  readonly keys: Keys;
  readonly settings: Settings;
}

/** Every opening at every door; returns what the log has of those that got through. */
async function visitAll(cases: readonly Case[]): Promise<readonly Dialled[]> {
  const [first] = cases;
  if (!first) return [];
  const logFile = join(folder, `${++files}.log`);
  const log = createLogger({ level: 'info', format: 'json', file: logFile });
  // Where a client was going only netfilter tells a transport: so it is said here, and the engine that every machine has will do.
  const services = createServices(portable(first.settings), log);
  const queue = [...cases];
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (let next = queue.pop(); next; next = queue.pop()) await visit(next, services);
    }),
  );
  await services.ledger.whenEmpty(10_000);
  await log.close();
  await services.transport.stop();
  return readFileSync(logFile, 'utf8')
    .split('\n')
    .flatMap((line) => dialledBy(line, cases));
}

function portable(settings: Settings): Settings {
  return { ...settings, config: { ...settings.config, runtime: { ...settings.config.runtime, engine: 'portable' } } };
}

function dialledBy(line: string, cases: readonly Case[]): readonly Dialled[] {
  const read: unknown = line === '' ? {} : JSON.parse(line);
  const { listener, host, upstream } = Object(read) as Partial<Record<string, string>>; // A log line of ours.
  const found = cases.find(({ settings }) => settings.config.listeners[0]?.name === listener);
  return found && host !== undefined && upstream !== undefined ? [{ keys: found.keys, host, upstream }] : [];
}

/** One client after the other opens with each of {@link openings}, on its way to `ELSEWHERE` where the door intercepts. */
async function visit({ keys, settings }: Case, services: Services): Promise<void> {
  const [door] = openDoors(settings, services).values();
  if (!door) throw new Error('no door');
  const isIntercepted = (keys['intercept'] ?? 'none') !== 'none';
  const original = { host: ELSEWHERE, port };
  const listening = await services.transport.listen({ host: '127.0.0.1', port: 0 }, (client) => {
    serveTunnel(isIntercepted ? Object.assign(client, { original }) : client, () => door, services.ledger);
  });
  for (const opening of openings()) {
    const client = connect(listening.address);
    client.on('error', () => client.destroy()).resume();
    client.write(opening);
    await once(client, 'close');
  }
  await listening.close();
}
