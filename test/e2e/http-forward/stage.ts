/** Both doors with `http: forward`, and two origins behind them: one of `node:http`, one that says what a test has it say. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { type Client, openClient, type Origin, run, tcpOrigin } from '../harness/peers.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

export const MIB = 1024 * 1024;

const policy = `policy:
  rules:
    - { name: no, action: deny, hosts: [denied.test] }
    - { name: tests, action: allow, clients: [loopback] }
  destinations: { allow: [loopback] }`;
const hosts = { 'denied.test': ['127.0.0.1'], 'private.test': ['10.1.2.3'] };

export const forwarding = { explicit: ['http: forward'], transparent: ['http: forward'], policy, hosts };

export class HttpStage {
  /** Heads that reached the origin. */
  readonly seen: IncomingMessage[] = [];
  /** What the raw origin does once a request has come, or its beginning. */
  rawAnswer: (socket: Socket, first: Buffer) => void = () => undefined;
  readonly #origin = createServer((request, response) => this.#answer(request, response));
  #raw: Origin | undefined;
  #proxy: Running | undefined;

  async open(): Promise<void> {
    this.#origin.on('upgrade', (_request, socket) => {
      socket.on('error', () => socket.destroy());
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst ');
      socket.pipe(socket);
    });
    this.#origin.listen(0, '127.0.0.1');
    await once(this.#origin, 'listening');
    this.#raw = await tcpOrigin((socket) => socket.once('data', (first: Buffer) => this.rawAnswer(socket, first)));
    // Two tests wait for its end. In no other may it end between a connection and its request, also on a busy machine.
    this.#proxy = await startSallyport(configText({ ...forwarding, more: 'timeouts: { handshake: 3s }' }));
  }

  async close(): Promise<void> {
    await this.#proxy?.stop();
    this.#raw?.close();
    this.#origin.close();
    this.#origin.closeAllConnections();
  }

  get proxy(): Running {
    if (!this.#proxy) throw new Error('the stage is not open');
    return this.#proxy;
  }

  get port(): number {
    return (this.#origin.address() as AddressInfo).port; // A TCP server that listens has one.
  }

  get rawPort(): number {
    return this.#raw?.port ?? 0;
  }

  /** An absolute URL at the origin. */
  at(path: string): string {
    return `http://origin.test:${this.port}${path}`;
  }

  connect(door = 'explicit'): Promise<Client> {
    return openClient(this.proxy.port(door));
  }

  curl(...args: string[]): ReturnType<typeof run> {
    const proxy = `http://127.0.0.1:${this.proxy.port('explicit')}`;
    return run('curl', ['--silent', '--show-error', '--max-time', '20', '--proxy', proxy, ...args]);
  }

  reached(path: string): IncomingMessage | undefined {
    return this.seen.find(({ url }) => url === path);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.seen.push(request);
    if (request.url === '/hints') response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    if (request.url === '/bulk') void sendBulk(response);
    else void echoSum(request, response);
  }
}

/** A stage for the tests of the calling file. */
export function useHttpStage(): HttpStage {
  const stage = new HttpStage();
  beforeAll(() => stage.open());
  afterAll(() => stage.close());
  return stage;
}

/** A request head with an absolute target; Host is another, and doesn't count. */
export function get(url: string, ...fieldLines: string[]): string {
  return [`GET ${url} HTTP/1.1`, 'Host: whatever', ...fieldLines, '', ''].join('\r\n');
}

export function sha256(...parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** What `/bulk` is made of, 64 times. */
export const bulk = Buffer.alloc(MIB, 'sallyport');

async function sendBulk(response: ServerResponse): Promise<void> {
  for (let count = 0; count < 64; count += 1) {
    if (!response.write(bulk)) await once(response, 'drain');
  }
  response.end();
}

/** Answers with method, path and what the content was, in chunks and with a trailer. */
async function echoSum(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  request.on('data', (chunk: Buffer) => hash.update(chunk));
  await once(request, 'end');
  response.writeHead(200, { 'X-Trailers': request.rawTrailers.join(' ') });
  response.write(`${request.method ?? ''} ${request.url ?? ''} `);
  response.addTrailers({ 'X-Sum': 'down' });
  response.end(`${hash.digest('hex')}\n`);
}
