/** The questions of the table: each goes through a door as a stranger would, and puts into words what came back. */
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { clientHello, serverName } from '../e2e/harness/hello.ts';
import { type Client, openClient } from '../e2e/harness/peers.ts';
import type { Door } from './claims.ts';
import { describeRefusal } from './describe-refusal.ts';
import { type HostName, hosts, type Origins, type Upstream } from './origins.ts';
import type { Proxy } from './proxy.ts';

/** A door of a running proxy, and what lies beyond it. */
export interface Way {
  readonly proxy: Proxy;
  readonly door: Door;
  readonly origins: Origins;
}

/** A question by its name. */
export type ProbeName = keyof typeof probes;

/** The questions; each answer is a cell of the table. */
export const probes = {
  resetUpstream: async (way) => {
    const { client, upstream } = await openTunnel(way);
    upstream.socket.resetAndDestroy();
    return (await client.ended()).wasReset ? 'RST' : 'FIN';
  },

  resetClient: async (way) => {
    const { client, upstream } = await openTunnel(way);
    client.socket.resetAndDestroy();
    return upstream.ended;
  },

  answerAfterFin: async (way) => {
    const { client, upstream } = await openTunnel(way);
    client.socket.end();
    await upstream.ended;
    upstream.socket.end('said after your FIN');
    const { bytes } = await client.ended();
    return bytes.includes('said after your FIN') ? 'arrives' : 'is lost';
  },

  insideName: (way) => outcome(way, 'inside.test'),

  closedPort: (way) => outcome(way, 'closed.test'),

  wrongDoor: async (way) => {
    const asked = await ask(way, [firstWords({ ...way, door: way.door === 'sni' ? 'connect' : 'sni' }, 'origin.test')]);
    if (asked.kind === 'dialled') return 'is served';
    const isHelp = way.door === 'sni' && asked.heard.includes(`127.0.0.1:${way.proxy.port('connect')}`);
    return isHelp ? `${asked.how}, naming the other door` : asked.how;
  },

  drippedHello: (way) => {
    const whole = hello('origin.test');
    const size = Math.ceil(whole.length / 20);
    const pieces = Array.from({ length: 20 }, (_, index) => whole.subarray(index * size, (index + 1) * size));
    return arrival(way, pieces);
  },

  helloInTwoRecords: (way) => arrival(way, [inTwoRecords(hello('origin.test'))]),
} as const satisfies Readonly<Record<string, (way: Way) => Promise<string>>>;

/** How a destination is asked for at this door. */
function firstWords({ door, origins }: Way, host: HostName): Buffer {
  if (door === 'sni') return hello(host);
  const authority = `${host}:${origins.port}`;
  // Squid waits for another request after a refusal, unless it is asked not to.
  return Buffer.from(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`);
}

/** With supported_groups (x25519), as every client sends it: its type, 10, is a line feed to whoever waits for one. */
function hello(host: HostName): Buffer {
  return clientHello(
    new Map([
      [0, serverName(host)],
      [10, Buffer.of(0, 2, 0, 29)],
    ]),
  );
}

async function openTunnel(way: Way): Promise<{ client: Client; upstream: Upstream }> {
  const said = firstWords(way, 'origin.test');
  const asked = await ask(way, [said]);
  if (asked.kind === 'refused') throw new Error(`no tunnel: ${asked.how}`);
  const { client, upstream } = asked;
  // Both directions must be at work, with nothing left on the way: what a proxy has not read yet turns its FIN into an RST.
  if (way.door === 'connect') client.socket.write('up');
  await upstream.hears(way.door === 'connect' ? 2 : said.length);
  upstream.socket.write('down');
  await client.hears('down');
  return { client, upstream };
}

async function outcome(way: Way, host: HostName): Promise<string> {
  const asked = await ask(way, [firstWords(way, host)]);
  if (asked.kind === 'refused') return asked.how;
  return asked.upstream.socket.localAddress === hosts[host] ? 'is dialled' : 'something else is dialled';
}

/** Whether a hello that comes in pieces reaches its origin as it was said. */
async function arrival(way: Way, pieces: readonly Buffer[]): Promise<string> {
  const asked = await ask(way, pieces);
  if (asked.kind === 'refused') return asked.how;
  const said = Buffer.concat(pieces);
  return said.equals(await asked.upstream.hears(said.length)) ? 'is served' : 'is changed';
}

type Asked =
  | { readonly kind: 'dialled'; readonly client: Client; readonly upstream: Upstream }
  | { readonly kind: 'refused'; readonly how: string; readonly heard: Buffer };

/** Longer than HAProxy tries a closed port (three times again, a second apart), with room for a busy machine. */
const patienceMs = 6_000;

/** Says this to the door, each piece in a segment of its own; a dial, an end or our patience's end decides. */
async function ask({ proxy, door, origins }: Way, pieces: readonly Buffer[]): Promise<Asked> {
  const settled = new AbortController();
  const dialled = origins.arrival(settled.signal);
  const silence = delay(patienceMs, 'silence' as const, { signal: settled.signal });
  const client = await openClient(proxy.port(door));
  onTestFinished(() => void client.socket.destroy());
  for (const piece of pieces) await new Promise((resolve) => client.socket.write(piece, resolve));
  const first = await Promise.race([dialled, client.ended(), silence]);
  settled.abort();
  if (first === 'silence' || 'bytes' in first) {
    const how = first === 'silence' ? `nothing for ${patienceMs / 1000} s` : describeRefusal(first);
    return { kind: 'refused', how, heard: client.heard() };
  }
  onTestFinished(() => void first.socket.destroy());
  if (door === 'connect') await client.hears('\r\n\r\n');
  return { kind: 'dialled', client, upstream: first };
}

/** The same handshake message over two records (RFC 8446, section 5.1), the name cut in two as it may be anywhere. */
function inTwoRecords(whole: Buffer): Buffer {
  const cut = whole.indexOf('origin.test') + 3;
  return Buffer.concat([record(whole.subarray(5, cut)), record(whole.subarray(cut))]);
}

function record(fragment: Buffer): Buffer {
  return Buffer.concat([Buffer.of(22, 3, 1, fragment.length >> 8, fragment.length & 0xff), fragment]);
}
