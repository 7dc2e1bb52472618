/**
 * Honest clients, from 127.0.0.2. While enabled, they connect one after the other to each door and to the admin server, and record how
 * long they waited.
 */
import { connect, type Socket } from 'node:net';
import { helloFor } from './hello.ts';
import { PASSWORD, USER } from './configuration.ts';
import type { Places } from './stage.ts';
import type { Waits } from './table.ts';

const places = JSON.parse(process.argv[2] ?? '') as Places; // Written by the stage.
const HONEST_ADDRESS = '127.0.0.2';
const TOO_LONG_MS = 5000;
const PAUSE_MS = 2;

let isWatching = false;

process.on('message', (message: { readonly watch: boolean }) => {
  isWatching = message.watch;
  if (isWatching) void watch().then((waits) => process.send?.(waits));
});

interface Visit {
  readonly what: string;
  readonly door: string;
  readonly says: () => string | Uint8Array;
  /** What the first bytes of the answer begin with. */
  readonly hears: string;
  readonly from?: string;
}

let names = 0;
const authority = `127.0.0.1:${places.originPort}`;
const credentials = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');
const TUNNEL = 'HTTP/1.1 200';

const visits: readonly Visit[] = [
  {
    what: 'CONNECT',
    door: 'explicit',
    says: () => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`,
    hears: TUNNEL,
  },
  { what: 'SNI', door: 'transparent', says: () => helloFor('origin.test'), hears: '\x16' },
  {
    what: 'a name',
    door: 'explicit',
    says: () => connectTo(`honest-${names++}.test:${places.originPort}`),
    hears: TUNNEL,
  },
  {
    what: 'GET',
    door: 'explicit',
    says: () => `GET http://127.0.0.1:${places.answeringPort}/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    hears: TUNNEL,
  },
  {
    what: 'a password',
    door: 'credentials',
    says: () =>
      `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nProxy-Authorization: Basic ${credentials}\r\n\r\n`,
    hears: TUNNEL,
  },
  // A probe comes from elsewhere on the machine, as the admin port is where only it can come.
  {
    what: 'a probe',
    door: 'admin',
    says: () => 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    hears: TUNNEL,
  },
];

function connectTo(target: string): string {
  return `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`;
}

async function watch(): Promise<Waits> {
  const waited: number[] = [];
  const failures = new Map<string, number>();
  for (let at = 0; isWatching; at++) {
    const visit = visits[at % visits.length];
    if (!visit) continue;
    const { tookMs, failure } = await make(visit);
    waited.push(tookMs);
    if (failure !== undefined) failures.set(failure, (failures.get(failure) ?? 0) + 1);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  waited.sort((a, b) => a - b);
  return {
    count: waited.length,
    p99Ms: waited[Math.ceil(waited.length * 0.99) - 1] ?? 0,
    worstMs: waited.at(-1) ?? 0,
    failures: [...failures].map(([what, times]) => `${what} (${times} of ${waited.length})`),
  };
}

async function make({ what, door, says, hears }: Visit): Promise<{ tookMs: number; failure?: string }> {
  const startedAt = performance.now();
  const socket = connect({
    port: places.ports[door] ?? 0,
    host: '127.0.0.1',
    localAddress: HONEST_ADDRESS,
    noDelay: true,
  });
  socket.setTimeout(TOO_LONG_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.write(says());
  const heard = await firstBytes(socket);
  const tookMs = performance.now() - startedAt;
  socket.destroy();
  if (heard.startsWith(hears)) return { tookMs };
  return { tookMs, failure: `${what}: ${heard === '' ? 'no answer' : JSON.stringify(heard.split('\r\n')[0])}` };
}

function firstBytes(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1')));
    socket.once('close', () => resolve(''));
  });
}
