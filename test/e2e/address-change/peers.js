// Clients and origins of the machine whose address changes, in a network namespace of their own. Told what to do over IPC: each request
// has an id, and gets one answer.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Ports on which everything is sent back, on every address of this namespace. */
const ECHO_PORTS = process.argv.slice(2).map(Number);

for (const port of ECHO_PORTS) {
  const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(port, '::');
  await once(server, 'listening');
}

/** Those that are up, by the id of the request that opened them. */
const tunnels = new Map();

process.on('message', ({ id, ...request }) => {
  const answer = 'say' in request ? say(request) : openTunnel(id, request);
  void answer.then((text) => process.send({ id, text }));
});
process.on('disconnect', () => process.exit());
process.send('ready');

/** What the proxy answers: its head, and all that comes behind it where it closes. */
async function openTunnel(id, { door, authority }) {
  const socket = connect(door).on('error', () => undefined);
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  const head = await heard(socket, (text) => text.startsWith('HTTP/1.1 200 ') && text.endsWith('\r\n\r\n'));
  tunnels.set(id, socket);
  return head;
}

/** What comes back through a tunnel. */
async function say({ say: words, tunnel }) {
  const socket = tunnels.get(tunnel);
  socket.write(words);
  return heard(socket, (text) => text.length >= words.length);
}

function heard(socket, isEnough) {
  return new Promise((resolve) => {
    let text = '';
    const settle = () => {
      socket.off('data', onData).off('close', settle);
      resolve(text);
    };
    const onData = (chunk) => {
      text += chunk.toString('latin1');
      if (isEnough(text)) settle();
    };
    socket.on('data', onData).on('close', settle);
  });
}
