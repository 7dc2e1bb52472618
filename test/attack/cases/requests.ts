/** Requests that are expensive to parse or to keep. */
import { call, crowd, firstWords, pour } from '../client.ts';
import type { Case } from './all.ts';

export const requestCases: Readonly<Record<string, Case>> = {
  'a target of colons':
    ({ ports }) =>
    () =>
      say(ports['explicit'], `GET http://${':'.repeat(60_000)}]/ HTTP/1.1\r\n\r\n`),
  'a target of brackets':
    ({ ports }) =>
    () =>
      say(ports['explicit'], `CONNECT ${'['.repeat(60_000)}:443 HTTP/1.1\r\n\r\n`),
  'a target of dots':
    ({ ports }) =>
    () =>
      say(ports['explicit'], `CONNECT ${'a.'.repeat(30_000)}:443 HTTP/1.1\r\n\r\n`),
  'a Host of colons':
    ({ ports }) =>
    () =>
      say(ports['transparent'], `GET / HTTP/1.1\r\nHost: ${':'.repeat(60_000)}\r\n\r\n`),
  'very many fields':
    ({ ports }) =>
    () =>
      say(ports['explicit'], `GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n${'a:\r\n'.repeat(14_000)}\r\n`),
  'a Connection of very many names':
    ({ ports, answeringPort }) =>
    () =>
      say(
        ports['explicit'],
        `GET http://127.0.0.1:${answeringPort}/ HTTP/1.1\r\nHost: a\r\nConnection: ${'a,'.repeat(30_000)}\r\n\r\n`,
      ),
  'pipelined behind one that hangs':
    ({ ports, hostile }) =>
    () =>
      crowd(
        50,
        () => call(ports['explicit'] ?? 0, get(hostile['hanging']) + 'GET / HTTP/1.1\r\n\r\n'.repeat(8000)),
        500,
      ),
  'pipelined at the transparent door':
    ({ ports, hostile }) =>
    () =>
      crowd(
        50,
        () =>
          call(
            ports['transparent'] ?? 0,
            `GET / HTTP/1.1\r\nHost: 127.0.0.1:${hostile['hanging']}\r\n\r\n` +
              'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3000),
          ),
        500,
      ),
  'pipelined behind a body':
    ({ ports, hostile }) =>
    () =>
      crowd(
        50,
        () =>
          call(
            ports['explicit'] ?? 0,
            `${post(hostile['hanging'], 'Content-Length: 5')}hello` + 'GET / HTTP/1.1\r\n\r\n'.repeat(8000),
          ),
        500,
      ),
  'chunks of one byte, read':
    ({ ports, hostile }) =>
    () =>
      pourInto(ports['explicit'], hostile['hanging'], '1\r\na\r\n'.repeat(3000)),
  'chunks of one byte, not read':
    ({ ports, hostile }) =>
    () =>
      pourInto(ports['explicit'], hostile['deaf'], '1\r\na\r\n'.repeat(3000)),
  'zeros in a chunk size':
    ({ ports, hostile }) =>
    () =>
      pourInto(ports['explicit'], hostile['hanging'], '0'.repeat(65_536)),
  'an endless chunk extension':
    ({ ports, hostile }) =>
    () =>
      pourInto(ports['explicit'], hostile['hanging'], ';a=b'.repeat(16_000)),
  'endless trailers':
    ({ ports, hostile }) =>
    async () => {
      const socket = await call(
        ports['explicit'] ?? 0,
        `${post(hostile['hanging'], 'Transfer-Encoding: chunked')}0\r\n`,
      );
      await pour(socket, Buffer.from('X-A: b\r\n'.repeat(8000)), 1000);
      socket.destroy();
    },
  'empty lines before a request':
    ({ ports, answeringPort }) =>
    async () => {
      const socket = await call(ports['explicit'] ?? 0, get(answeringPort));
      await firstWords(socket);
      await pour(socket, Buffer.from('\r\n'.repeat(30_000)), 1000);
      socket.destroy();
    },
  'requests without end on one connection':
    ({ ports, answeringPort }) =>
    async () => {
      const socket = await call(ports['explicit'] ?? 0, '');
      await pour(socket, Buffer.from(get(answeringPort).repeat(100)), 1000);
      socket.destroy();
    },
};

function get(port = 0): string {
  return `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
}

function post(port = 0, length: string): string {
  return `POST http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${length}\r\n\r\n`;
}

async function say(port = 0, words: string): Promise<void> {
  const socket = await call(port, words);
  await firstWords(socket);
  socket.destroy();
}

async function pourInto(port = 0, originPort: number | undefined, words: string): Promise<void> {
  const sockets = await Promise.all(
    Array.from({ length: 4 }, () => call(port, post(originPort, 'Transfer-Encoding: chunked'))),
  );
  await Promise.all(sockets.map((socket) => pour(socket, Buffer.from(words), 1000)));
  for (const socket of sockets) socket.destroy();
}
