/** An HTTPS origin in a network namespace: says who came, by which name and to which address. Tells its parent when it listens. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [certFile, keyFile] = process.argv.slice(2);
const options = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
const server = createServer(options, ({ socket }, response) => {
  const from = socket.remoteAddress.replace('::ffff:', '');
  const to = socket.localAddress.replace('::ffff:', '');
  response.end(JSON.stringify({ from, to, name: socket.servername }));
});
server.listen({ host: '::', port: 443 }, () => process.send('listening'));
process.on('disconnect', () => process.exit());
