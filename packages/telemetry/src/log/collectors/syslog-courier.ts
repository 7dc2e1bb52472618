/**
 * Sends to a syslog collector over TCP (RFC 6587) or TLS (RFC 5425). Over TCP it is unknown what the other end has read. Lines on their
 * way when a connection broke may be lost, and the batch that was being written is sent again. `seq` shows both.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { CollectorTls, Courier, Delivery } from './collector-sink.ts';
import { wordCause } from '../word-cause.ts';
import { syslogFrame } from './syslog-frame.ts';

export interface SyslogOptions {
  readonly host: string;
  readonly port: number;
  /** Left out: plain TCP. */
  readonly tls?: CollectorTls | undefined;
}

/** For a connection, its handshake included, and for a batch to be taken. */
const DEADLINE_MS = 10_000;
/** A collector that refuses us for our certificate or address does so after the connection is up. */
const SETTLE_MS = 100;
const KEEPALIVE_MS = 30_000;

export class SyslogCourier implements Courier {
  readonly #options: SyslogOptions;
  #socket: Socket | undefined;
  /** Not connected yet. */
  #opening: Socket | undefined;

  constructor(options: SyslogOptions) {
    this.#options = options;
  }

  async deliver(lines: readonly string[]): Promise<Delivery> {
    try {
      const socket = this.#socket ?? (await this.#open());
      await write(socket, Buffer.concat(lines.map(syslogFrame)));
      return { kind: 'taken' };
    } catch (cause) {
      return { kind: 'failed', detail: wordCause(cause) };
    }
  }

  close(): void {
    this.#socket?.destroySoon();
    this.#opening?.destroy();
  }

  #open(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = this.#connect(() => setTimeout(opened, SETTLE_MS));
      this.#opening = socket;
      const deadline = setTimeout(() => socket.destroy(new Error('no connection in time')), DEADLINE_MS);
      const opened = (): void => {
        clearTimeout(deadline);
        if (socket.destroyed) return;
        this.#opening = undefined;
        this.#socket = socket;
        resolve(socket);
      };
      socket
        .on('error', reject)
        .on('close', () => {
          clearTimeout(deadline);
          if (this.#socket === socket) this.#socket = undefined;
          reject(new Error('it closed the connection'));
        })
        .setKeepAlive(true, KEEPALIVE_MS)
        // It sends nothing, but without reading, its end would go unnoticed.
        .resume();
    });
  }

  #connect(onConnected: () => void): Socket {
    const { host, port, tls } = this.#options;
    if (tls === undefined) return connect({ host, port }, onConnected);
    // A literal is not sent as server_name (RFC 6066 §3). The certificate is checked for it all the same.
    return connectTls({ host, port, ca: tls.ca, ...(isIP(host) === 0 && { servername: host }) }, onConnected);
  }
}

/** Resolves when the kernel has taken it. */
function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => socket.destroy(new Error('it takes no data')), DEADLINE_MS);
    socket.write(bytes, (error) => {
      clearTimeout(deadline);
      if (error) reject(error);
      else resolve();
    });
  });
}
