/** An upstream: sends as many bytes as the first message asks for (whole MiB), then FIN. Asked for none, it sends one byte and nothing more. */
import { Buffer } from 'node:buffer';
import { createServer } from 'node:net';

const chunk = Buffer.alloc(1024 * 1024, 7);

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.once('data', (request) => {
    const bytes = Number(request.toString());
    if (bytes > 0) send(socket, bytes);
    else socket.write('0');
  });
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => process.send({ port: server.address().port }));

function send(socket, leftBytes) {
  while (leftBytes > 0) {
    leftBytes -= chunk.length;
    if (!socket.write(chunk)) break;
  }
  if (leftBytes > 0) socket.once('drain', () => send(socket, leftBytes));
  else socket.end();
}
