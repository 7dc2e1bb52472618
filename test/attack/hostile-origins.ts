/** Origins of plain HTTP with invalid or endless answers. */
import type { Socket } from 'node:net';

const MANY = Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n'.repeat(1000));
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** What each does once it has heard something. */
export const HOSTILE: Readonly<Record<string, (socket: Socket) => void>> = {
  informational: afterRequest((socket) => repeat(socket, MANY)),
  'one-byte-chunks': afterRequest((socket) => {
    socket.write(CHUNKED);
    repeat(socket, Buffer.from('1\r\na\r\n'.repeat(5000)));
  }),
  'zeros-in-chunk-size': afterRequest((socket) => {
    socket.write(CHUNKED);
    repeat(socket, Buffer.alloc(65_536, '0'));
  }),
  'empty-lines': afterRequest((socket) => repeat(socket, Buffer.from('\r\n'.repeat(30_000)))),
  'endless-head': afterRequest((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    repeat(socket, Buffer.from('X-A: b\r\n'.repeat(8000)));
  }),
  'endless-trailers': afterRequest((socket) => {
    socket.write(`${CHUNKED}0\r\n`);
    repeat(socket, Buffer.from('X-A: b\r\n'.repeat(8000)));
  }),
  /** Takes a request and never answers. */
  hanging: (socket) => socket.resume(),
  /** Takes a connection and reads nothing. */
  deaf: (socket) => socket.pause(),
};

export function afterRequest(answer: (socket: Socket) => void): (socket: Socket) => void {
  return (socket) => void socket.once('data', () => answer(socket));
}

/** Says the same without end, as fast as it is read. */
function repeat(socket: Socket, bytes: Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
}
