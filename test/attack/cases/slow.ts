/** Clients that never finish what they send, and clients that leave at once. */
import { call, crowd } from '../client.ts';
import { helloFor } from '../hello.ts';
import type { Case } from './all.ts';

export const slowCases: Readonly<Record<string, Case>> = {
  'half a head, 2,000 at once':
    ({ ports }) =>
    () =>
      crowd(
        2000,
        (at) => call(ports['explicit'] ?? 0, 'CONNECT origin.test:443 HTTP/1.1\r\nX: ', { from: addressOf(at) }),
        2000,
      ),
  'half a hello, 2,000 at once':
    ({ ports }) =>
    () =>
      crowd(
        2000,
        (at) => call(ports['transparent'] ?? 0, helloFor('origin.test').subarray(0, 40), { from: addressOf(at) }),
        2000,
      ),
  'silent, 2,000 at once':
    ({ ports }) =>
    () =>
      crowd(2000, (at) => call(ports['transparent'] ?? 0, '', { from: addressOf(at) }), 2000),
  'half a hello in a tunnel':
    ({ ports, originPort }) =>
    () =>
      crowd(
        500,
        () => call(ports['checked'] ?? 0, Buffer.concat([connectTo(originPort), helloFor('a.test').subarray(0, 30)])),
        1000,
      ),
  'gone at once':
    ({ ports }) =>
    () =>
      Promise.all(
        Array.from({ length: 100 }, async (_, at) => {
          const socket = await call(
            ports[at % 2 === 0 ? 'explicit' : 'transparent'] ?? 0,
            at % 3 === 0 ? '' : helloFor('origin.test'),
          );
          if (at % 5 === 0) socket.resetAndDestroy();
          else socket.destroy();
        }),
      ),
  'tunnels that are never read':
    ({ ports, originPort }) =>
    () =>
      crowd(
        20,
        async () => {
          const socket = await call(ports['explicit'] ?? 0, connectTo(originPort), { isDeaf: true });
          for (let at = 0; at < 64 && socket.write(Buffer.alloc(65_536, 'x')); at++);
          return socket;
        },
        1000,
      ),
};

/** Another client every hundred connections. */
function addressOf(at: number): string {
  return `127.8.0.${1 + Math.floor(at / 100)}`;
}

function connectTo(originPort: number): Buffer {
  return Buffer.from(`CONNECT 127.0.0.1:${originPort} HTTP/1.1\r\nHost: 127.0.0.1:${originPort}\r\n\r\n`);
}
