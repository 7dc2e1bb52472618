/** An HTTPS origin of pages, downloads and WebSockets that speaks HTTP/2, or HTTP/1.1 alone. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Certificates } from '../e2e/harness/certificates.ts';
import type { Origin } from '../e2e/harness/peers.ts';

export const FILE = Buffer.alloc(3 * 1024 * 1024, 'all the bytes of a download ');

export async function startOrigin(speaks: 'h2' | 'http/1.1', { cert, key }: Certificates): Promise<Origin> {
  const answer = (request: { url?: string }, response: Pick<ServerResponse, 'setHeader' | 'end'>): void => {
    if (request.url === '/file') {
      response.setHeader('Content-Type', 'application/octet-stream');
      response.setHeader('Content-Disposition', 'attachment; filename="file.bin"');
      response.end(FILE);
      return;
    }
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>origin</title><link rel=icon href=data:,><h1>hello</h1>');
  };
  const server = speaks === 'h2' ? createSecureServer({ cert, key, allowHTTP1: true }) : createServer({ cert, key });
  server.on('request', answer);
  server.on('upgrade', echoFrames);
  // Browsers open connections that they then do not need.
  server.on('tlsClientError', () => undefined).on('sessionError', () => undefined);
  const open = new Set<Duplex>();
  server.on('connection', (socket: Duplex) => {
    open.add(socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // A TCP server that listens has one.
  return {
    port,
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455 §1.3

/** Sends each short text frame back (RFC 6455 §5.2): a server's are not masked. */
function echoFrames(request: IncomingMessage, socket: Duplex): void {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key'] ?? ''}${GUID}`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on('error', () => socket.destroy());
  socket.on('data', (frame: Buffer) => {
    const isText = (frame[0] ?? 0) === 0x81;
    if (!isText) return;
    const length = (frame[1] ?? 0) & 0x7f;
    const mask = frame.subarray(2, 6);
    const text = frame.subarray(6, 6 + length).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    socket.write(Buffer.concat([Buffer.of(0x81, length), text]));
  });
}
