/** Password guessing, and handshakes that cost the proxy more than the client. */
import { connect as connectTls } from 'node:tls';
import { call, firstWords } from '../client.ts';
import type { Case } from './all.ts';

let tries = 0;

export const identityCases: Readonly<Record<string, Case>> = {
  'wrong passwords from 250 addresses':
    ({ ports }) =>
    async () => {
      await Promise.all(
        Array.from({ length: 250 }, (_, at) => guess(ports['credentials'], `127.7.0.${at + 1}`, `ci:${tries++}`)),
      );
    },
  'unknown users from 250 addresses':
    ({ ports }) =>
    async () => {
      await Promise.all(
        Array.from({ length: 250 }, (_, at) => guess(ports['credentials'], `127.${at + 3}.0.1`, `u${tries++}:x`)),
      );
    },
  'passwords of 16 KiB':
    ({ ports }) =>
    () =>
      guess(ports['credentials'], '127.0.0.1', `ci:${'x'.repeat(16_384)}`),
  'handshakes over the limit':
    ({ ports }) =>
    async () => {
      await Promise.all(Array.from({ length: 20 }, () => shakeHands(ports['secured'] ?? 0)));
    },
};

async function guess(port = 0, from: string, credentials: string): Promise<void> {
  const basic = Buffer.from(credentials).toString('base64');
  const head = `CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nProxy-Authorization: Basic ${basic}\r\n\r\n`;
  const socket = await call(port, head, { from });
  await firstWords(socket, 5000);
  socket.destroy();
}

async function shakeHands(port: number): Promise<void> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.setTimeout(3000, () => socket.destroy());
  await new Promise<void>((resolve) => {
    socket.once('secureConnect', () => resolve());
    socket.once('close', () => resolve());
    socket.on('error', () => socket.destroy());
  });
  socket.destroy();
}
