/** The clients: they download a given number of bytes, or open tunnels and leave them idle. */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect } from 'node:net';

const buffer = Buffer.alloc(1024 * 1024);
const idle = [];

process.on('message', async ({ port, bytes, tunnels }) => {
  if (bytes !== undefined) process.send({ receivedBytes: await download(port, bytes) });
  if (tunnels !== undefined) await openIdle(port, tunnels);
});

async function download(port, bytes) {
  let receivedBytes = 0;
  const onread = { buffer, callback: (length) => ((receivedBytes += length), true) };
  const socket = connect({ port, host: '127.0.0.1', onread });
  socket.write(String(bytes));
  await once(socket, 'close');
  return receivedBytes;
}

/** One at a time is slow and all at once overflows the queue of the listener: a hundred. */
async function openIdle(port, tunnels) {
  for (let opened = 0; opened < tunnels; opened += 100) {
    const sockets = Array.from({ length: 100 }, () => connect({ port, host: '127.0.0.1' }));
    // A byte there and back: connected only means that the kernel has queued it.
    for (const socket of sockets) socket.write('0');
    await Promise.all(sockets.map((socket) => once(socket, 'data')));
    idle.push(...sockets);
  }
  process.send({ opened: idle.length });
}
