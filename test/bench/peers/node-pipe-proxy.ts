/**
 * The plain Node proxy: node-pipe-proxy SNI_PORT CONNECT_PORT ORIGIN_PORT.
 *
 * As short as such proxies are: no policy, no limits, no deadlines. It reads the hello's name, as the others do, and it expects
 * a head or hello in one piece, which only holds for the benchmark's own load.
 */
import { connect, createServer, type Socket } from 'node:net';
import { serverName } from '../places.ts';

const [sniPort = 0, connectPort = 0, originPort = 0] = process.argv.slice(2).map(Number);

serve(sniPort, (client, hello) => {
  if (readServerName(hello) === serverName) relay(client, originPort, '127.0.0.1', hello);
  else client.destroy();
});

serve(connectPort, (client, head) => {
  const [, host, port] = /^CONNECT ([^:\s]+):(\d+) HTTP\/1\.[01]\r\n/.exec(head.toString('latin1')) ?? [];
  if (host === undefined || port === undefined) client.destroy();
  else relay(client, Number(port), host, undefined);
});

function serve(port: number, onFirst: (client: Socket, first: Buffer) => void): void {
  createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => client.destroy());
    client.once('data', (first: Buffer) => {
      client.pause();
      onFirst(client, first);
    });
  }).listen(port, '127.0.0.1');
}

function relay(client: Socket, port: number, host: string, first: Buffer | undefined): void {
  const upstream = connect({ port, host, allowHalfOpen: true }, () => {
    if (first) upstream.write(first);
    else client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    client.pipe(upstream).pipe(client);
  });
  upstream.on('error', () => client.destroy());
  client.on('close', () => upstream.destroy());
}

/** Walks from the header to the extensions (RFC 8446, section 4.1.2), and through them to server_name. */
function readServerName(hello: Buffer): string | undefined {
  let at = 5 + 4 + 2 + 32;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at) + 2;
  while (at + 4 <= hello.length) {
    const length = hello.readUInt16BE(at + 2);
    if (hello.readUInt16BE(at) === 0) return hello.toString('latin1', at + 9, at + 4 + length);
    at += 4 + length;
  }
  return undefined;
}
