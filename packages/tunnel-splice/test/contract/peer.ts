/** The other end of a leg: a plain socket that writes down what happens to it. */
import { readFileSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Departure } from '../../src/index.ts';

/** A client or an upstream of the transport under test. */
export class Peer {
  readonly socket: Socket;
  /** How our side of the connection left, as the peer saw it. */
  readonly departure: Promise<Departure>;
  /** The call by which we learned of a loss; undefined where there was none. */
  failedCall: string | undefined;
  #chunks: Buffer[] = [];
  #length = 0;
  #onBytes: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    this.departure = new Promise((resolve) => {
      // A write under way may have been told of the RST, and nobody else will be: its error comes in this turn.
      socket.once('end', () => {
        const how = howItEnded(socket);
        setImmediate(() => resolve(how));
      });
      socket.once('error', () => resolve('reset'));
    });
    socket.on('error', ({ syscall }: NodeJS.ErrnoException) => {
      this.failedCall = syscall;
      socket.destroy();
    });
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#onBytes?.();
    });
  }

  get receivedBytes(): number {
    return this.#length;
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  send(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Resolves once the kernel has it. */
  sends(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  /** FIN, with the other direction left open. */
  finish(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Stops reading, so that the kernel holds the transport back. */
  stall(): void {
    this.socket.pause();
  }

  readOn(): void {
    this.socket.resume();
  }

  /** Bytes that wait in the kernel: sent and not acknowledged by the transport, arrived and not read by us (proc(5), /proc/net/tcp). */
  heldByKernel(): { undelivered: number; unread: number } {
    const { localPort = 0, remotePort = 0 } = this.socket;
    for (const row of readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
      const [, local, remote, , queues] = row.trim().split(/\s+/);
      if (portIn(local) !== localPort || portIn(remote) !== remotePort) continue;
      const [undelivered, unread] = queues?.split(':').map((hex) => parseInt(hex, 16)) ?? [];
      return { undelivered: undelivered ?? NaN, unread: unread ?? NaN };
    }
    throw new Error('the kernel has no such connection');
  }

  /** Resolves with what came, once so many bytes are there. */
  async receives(length: number): Promise<Buffer> {
    while (this.#length < length) await new Promise<void>((resolve) => (this.#onBytes = resolve));
    return this.received;
  }

  /** Resolves with all that came before the FIN; rejects if it was cut short by an RST. */
  async receivesAll(): Promise<Buffer> {
    if ((await this.departure) === 'reset') throw new Error(`reset after ${this.#length} bytes`);
    return this.received;
  }
}

/** The port of `0100007F:1F90`; NaN of a line that names none. */
const portIn = (endpoint = ''): number => parseInt(endpoint.split(':')[1] ?? '', 16);

/** Node says that a stream has ended also where an RST came right behind its last bytes: the kernel knows better. */
function howItEnded(socket: Socket): Departure {
  // The descriptor has no public name.
  const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
  try {
    readSync(fd, new Uint8Array(1));
    return 'end';
  } catch {
    return 'reset';
  }
}
