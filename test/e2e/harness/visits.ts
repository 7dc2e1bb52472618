/** Clients that come again and again, and ask for the same: the native engine repeats for them what was decided for one. */
import { randomFillSync } from 'node:crypto';
import { helloFor } from './hello.ts';
import { type Client, openClient, type Origin, tcpOrigin } from './peers.ts';
import type { Running } from './sallyport.ts';

/** The doors of `configText`. */
export const DOORS = ['explicit', 'transparent'] as const;
export type DoorName = (typeof DOORS)[number];

/** What a client asks for. At the transparent door the port is that of the listener. */
export interface Wish {
  readonly door: DoorName;
  readonly host: string;
  readonly port: number;
}

/** The portable engine repeats nothing. */
export const isRepeating = process.env['SALLYPORT_TEST_ENGINE'] !== 'portable';

/** Where it stands in a ClientHello in one record. */
export const RANDOM = { at: 11, length: 32 } as const;

/** As each client sends it: with a random of its own. */
export function freshHello(name: string): Buffer {
  return randomFillSync(helloFor(name), RANDOM.at, RANDOM.length);
}

/** An origin that says one word and leaves. */
export async function wordOrigin(word: string, host = '127.0.0.1', port = 0): Promise<Origin> {
  return tcpOrigin((socket) => socket.resume().end(word), host, port);
}

/** A client that has sent all that it sends first. */
export async function knock(proxy: Running, { door, host, port }: Wish): Promise<Client> {
  const client = await openClient(proxy.port(door));
  const authority = `${host}:${port}`;
  client.socket.write(door === 'explicit' ? `CONNECT ${authority} HTTP/1.1\r\n\r\n` : freshHello(host));
  return client;
}

/** Resolves with the word of the origin; otherwise with the status, the alert, or the error, that was there in its place. */
export async function visit(proxy: Running, wish: Wish): Promise<string> {
  const client = await knock(proxy, wish).catch((cause: unknown) => codeOf(cause));
  if (typeof client === 'string') return client;
  const { bytes, wasReset } = await client.ended();
  client.socket.end();
  return wasReset && bytes.length === 0 ? 'ECONNRESET' : wordIn(wish.door, bytes);
}

function wordIn(door: DoorName, bytes: Buffer): string {
  if (door === 'transparent') return bytes[0] === ALERT ? `alert ${bytes[6]}` : bytes.toString();
  const [head = '', word = ''] = bytes.toString().split('\r\n\r\n');
  const status = head.split(' ')[1];
  return status === '200' ? word : `${status}`;
}

const ALERT = 21;

function codeOf(cause: unknown): string {
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  throw cause;
}

/** How many tunnels the engine has made by itself. */
export async function repeatedAt(proxy: Running, door: DoorName): Promise<number> {
  return (await proxy.metric(`repeated_tunnels_total{listener="${door}"}`)) ?? NaN;
}

export interface Traffic {
  /** Resolves once the last have come to their end; rejects where one of them failed. */
  stop(): Promise<void>;
}

/** Clients that come without a pause, so many at a time. */
export function keepVisiting(atATime: number, visitOnce: () => Promise<unknown>): Traffic {
  let isOver = false;
  const goOn = async (): Promise<void> => {
    while (!isOver) await visitOnce();
  };
  const done = Promise.all(Array.from({ length: atATime }, goOn));
  done.catch(() => undefined);
  return {
    stop: async () => {
      isOver = true;
      await done;
    },
  };
}
