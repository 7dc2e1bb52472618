/** TCP servers on loopback that survive any error of their clients. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** Returns the port. */
export async function listen(serve: (socket: Socket) => void, host = '127.0.0.1', port = 0): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo; // A TCP server that listens has one.
  return address.port;
}
