/** Attacks on the admin port, by other programs of the machine or by a page in a browser there. */
import { call, crowd, pour } from '../client.ts';
import type { Case } from './all.ts';

export const adminCases: Readonly<Record<string, Case>> = {
  'admin: 200 silent connections':
    ({ ports }) =>
    () =>
      crowd(200, () => call(ports['admin'] ?? 0, ''), 1500),
  'admin: 200 idle connections':
    ({ ports }) =>
    () =>
      crowd(200, () => call(ports['admin'] ?? 0, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'), 1500),
  'admin: pipelined scrapes':
    ({ ports }) =>
    async () => {
      const socket = await call(ports['admin'] ?? 0, '');
      await pour(socket, Buffer.from('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50)), 1000);
      socket.destroy();
    },
  'admin: many scrapes, not read':
    ({ ports }) =>
    () =>
      crowd(
        50,
        () => call(ports['admin'] ?? 0, 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n', { isDeaf: true }),
        500,
      ),
};
