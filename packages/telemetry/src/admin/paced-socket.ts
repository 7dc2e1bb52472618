/** A client of the admin server that is read in small pieces. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** A few requests. Node's parser takes all requests in one piece, which may be 64 KiB, before we can refuse any of them. */
const PIECE_BYTES = 1024;

/** From now on the server reads each of its clients in pieces, one for each turn of the event loop, so that others are read in between. */
export function paceClients(server: Server): void {
  const serve = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const paced = new PacedSocket(socket);
    for (const listener of serve) Reflect.apply(listener, server, [paced]);
  });
}

/** node:http accepts any stream as a connection. This one differs from the socket only in how it is read. */
class PacedSocket extends Duplex {
  readonly #socket: Socket;
  #isWanted = false;

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('readable', () => this.#pass());
    socket.on('end', () => this.push(null));
    socket.on('error', (cause) => this.destroy(cause));
    socket.on('close', () => this.destroy());
    socket.on('timeout', () => this.emit('timeout'));
  }

  setTimeout(milliseconds: number, onTimeout?: () => void): this {
    if (onTimeout) this.once('timeout', onTimeout);
    this.#socket.setTimeout(milliseconds);
    return this;
  }

  override _read(): void {
    setImmediate(() => {
      this.#isWanted = true;
      this.#pass();
    });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, onWritten: (cause?: Error | null) => void): void {
    this.#socket.write(chunk, onWritten);
  }

  override _final(onEnded: () => void): void {
    this.#socket.end(onEnded);
  }

  override _destroy(cause: Error | null, onDestroyed: (cause: Error | null) => void): void {
    this.#socket.destroy();
    onDestroyed(cause);
  }

  #pass(): void {
    if (!this.#isWanted || this.destroyed) return;
    const length = Math.min(PIECE_BYTES, this.#socket.readableLength);
    const piece: unknown = length > 0 ? this.#socket.read(length) : this.#socket.read();
    if (!Buffer.isBuffer(piece)) return;
    this.#isWanted = false;
    this.push(piece);
  }
}
