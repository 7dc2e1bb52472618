/**
 * Honest clients and their origin. Says `{originPort}` first; told `{explicit, transparent, count, hello}`, it sets up so
 * many tunnels through the two doors in turn and says `{setUpMs}`, sorted: from connect to the first byte of the tunnel.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';

const origin = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket));
origin.listen(0, '127.0.0.1', () => process.send({ originPort: origin.address().port }));

process.on('message', ({ explicit, transparent, count, hello }) => {
  const authority = `127.0.0.1:${origin.address().port}`;
  const doors = [
    { port: explicit, opening: Buffer.from(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`) },
    { port: transparent, opening: Buffer.from(hello, 'hex') },
  ];
  void measure(doors, count).then((setUpMs) => process.send({ setUpMs }));
});

async function measure(doors, count) {
  const setUpMs = [];
  for (let index = 0; index < count; index += 1) setUpMs.push(await setUp(doors[index % doors.length]));
  return setUpMs.sort((a, b) => a - b);
}

async function setUp({ port, opening }) {
  const startedAt = performance.now();
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.write(opening);
  await once(socket, 'data');
  const tookMs = performance.now() - startedAt;
  socket.destroy();
  return tookMs;
}
