/** The two ends beyond the proxy: origins that answer, and clients that say exactly what a test wants said. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Certificates } from './certificates.ts';
import { PATIENCE_MS } from './patience.ts';

export interface Origin {
  readonly port: number;
  close(): void;
}

/** A TCP origin on 127.0.0.1 (or `host`), on a free port (or `port`), that does `onConnection` with each client. */
export async function tcpOrigin(onConnection: (socket: Socket) => void, host = '127.0.0.1', port = 0): Promise<Origin> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket));
    onConnection(socket);
  });
  await listening(server, host, port);
  return {
    port: portOf(server),
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** An origin that sends back what it gets, FIN included. */
export async function echoOrigin(host = '127.0.0.1'): Promise<Origin> {
  return tcpOrigin((socket) => socket.pipe(socket), host);
}

/** An HTTPS origin that answers every request with `body`. */
export async function httpsOrigin(certificates: Certificates, body: string | Buffer): Promise<Origin> {
  const server = createHttpsServer({ cert: certificates.cert, key: certificates.key }, (_request, response) => {
    response.end(body);
  });
  await listening(server, '127.0.0.1');
  return {
    port: portOf(server),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Node.js asks for 511, which thousands of clients at once overflow while this process is busy. */
const MOST_QUEUED = 4_096;

async function listening(server: Server, host: string, port = 0): Promise<void> {
  // Beyond its queue the kernel answers by cookies, and then resets a client whose first bytes found the queue full.
  server.listen({ port, host, backlog: MOST_QUEUED });
  await once(server, 'listening');
}

function portOf(server: Server): number {
  const address = server.address() as AddressInfo; // A TCP server that listens has one.
  return address.port;
}

/** A client of the proxy that collects what it hears. */
export interface Client {
  readonly socket: Socket;
  /** What was heard so far. */
  heard(): Buffer;
  /** Resolves once `count` bytes or `text` were heard. */
  hears(what: number | string): Promise<Buffer>;
  /** Resolves with all that was heard when the proxy has ended its side; `reset` tells FIN from RST. */
  ended(): Promise<{ bytes: Buffer; wasReset: boolean }>;
}

/** @param from the client's own address, where it matters */
export async function openClient(port: number, host = '127.0.0.1', from?: string): Promise<Client> {
  const local = from === undefined ? {} : { localAddress: from };
  const socket = connect({ port, host, ...local, allowHalfOpen: true, noDelay: true });
  const chunks: Buffer[] = [];
  const waiting = new Set<() => void>();
  let over: 'fin' | 'rst' | undefined;
  const wake = (): void => [...waiting].forEach((check) => check());
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    wake();
  });
  socket.on('end', () => {
    over ??= 'fin';
    wake();
  });
  socket.on('error', () => {
    over ??= 'rst';
    wake();
  });
  await once(socket, 'connect');
  const heard = (): Buffer => Buffer.concat(chunks);
  const until = <T>(answer: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const settle = (conclude: () => void): void => {
        clearTimeout(timer);
        waiting.delete(check);
        conclude();
      };
      const fail = (when: string): void => {
        const bytes = JSON.stringify(heard().toString('latin1').slice(0, 500));
        settle(() => reject(new Error(`${when} heard only ${bytes}`)));
      };
      const check = (): void => {
        const result = answer();
        if (result !== undefined) settle(() => resolve(result));
        else if (over !== undefined) fail(`before its ${over.toUpperCase()}`);
      };
      const timer = setTimeout(() => fail(`after ${PATIENCE_MS / 1000} s`), PATIENCE_MS);
      waiting.add(check);
      check();
    });
  return {
    socket,
    heard,
    hears: (what) =>
      until(() => {
        const bytes = heard();
        return (typeof what === 'number' ? bytes.length >= what : bytes.includes(what)) ? bytes : undefined;
      }),
    ended: () => until(() => (over ? { bytes: heard(), wasReset: over === 'rst' } : undefined)),
  };
}

/** Sends `text` and resolves with the whole answer once the proxy has closed. */
export async function ask(port: number, text: string | Uint8Array): Promise<string> {
  const client = await openClient(port);
  client.socket.write(text);
  const { bytes } = await client.ended();
  client.socket.destroy();
  return bytes.toString('latin1');
}

/** A client with an open tunnel to `host:port` through the explicit door. */
export async function openTunnel(proxyPort: number, authority: string): Promise<Client> {
  const client = await openClient(proxyPort);
  client.socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  await client.hears('\r\n\r\n');
  return client;
}

/** Runs a program to its end without a shell. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      [...args],
      { timeout: options.timeoutMs ?? 20_000, maxBuffer: 64 << 20 },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
      },
    );
    // A program may end before it has read all: its exit code and words say why.
    child.stdin?.on('error', () => undefined).end(options.input ?? '');
  });
}
