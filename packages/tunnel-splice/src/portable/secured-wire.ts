/** TLS with one client: the socket its leg reads and writes, over the TCP connection beneath. */
import type { OnReadOpts, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { TlsState } from '../transport.ts';
import { certificateError, resetWhenClosed } from './node-handle.ts';
import type { TlsIdentity } from '../tls-identity.ts';

/** Owns the wire from its first line on. Only the socket above is ever destroyed, and takes the wire with it. */
export class SecuredWire {
  /** For what TLS has no words for: addresses, and an RST. */
  readonly wire: Socket;
  readonly #identity: TlsIdentity;
  #socket: TLSSocket | undefined;
  #state: TlsState = { kind: 'under-way' };

  constructor(wire: Socket, identity: TlsIdentity) {
    this.wire = wire;
    this.#identity = identity;
  }

  get state(): TlsState {
    return this.#state;
  }

  /** Begins the handshake. What is read goes to `onread`, as if the socket had been made with it: TLS has no such option. */
  open(onread: OnReadOpts): Socket {
    const { secureContext, asksForCertificate } = this.#identity;
    const demand = { requestCert: asksForCertificate, rejectUnauthorized: asksForCertificate };
    const socket = new TLSSocket(this.wire, { isServer: true, secureContext, ...demand });
    // A client of TLS 1.2 could have us do the costly half of a handshake again and again (CVE-2011-1473).
    socket.disableRenegotiation();
    this.#socket = socket;
    socket.on('error', (error: Error) => this.#failed(error));
    socket.on('secure', () => this.#secured(socket));
    socket.on('data', (bytes: Buffer) => {
      if (!onread.callback(bytes.length, bytes)) socket.pause();
    });
    return socket;
  }

  /** Ends both at once with an RST. */
  reset(): void {
    // Never `wire.resetAndDestroy()`: with the wire gone first, TLS goes on with a handle that is no more, and Node 20 crashes.
    resetWhenClosed(this.wire);
    this.#socket?.destroy();
  }

  /** The handshake is over, which says nothing yet of the client's certificate: OpenSSL's verdict is left to us. */
  #secured(socket: TLSSocket): void {
    const error = this.#identity.asksForCertificate ? certificateError(socket) : undefined;
    if (error === undefined) {
      const peerName = this.#identity.asksForCertificate ? commonName(socket) : undefined;
      this.#state = { kind: 'secured', ...(peerName !== undefined && { peerName }) };
      return;
    }
    this.#state = { kind: 'failed', why: `the client's certificate is not trusted (${error})`, isForCertificate: true };
    socket.destroy(new Error(error));
  }

  /** Whatever is no word of OpenSSL's is the connection that broke, which is no failure of TLS. */
  #failed(error: Error): void {
    if (this.#state.kind !== 'under-way' || !('reason' in error)) return;
    const reason = String(error.reason);
    const why = WHY.get(reason) ?? `TLS says ${reason}`;
    this.#state = { kind: 'failed', why, isForCertificate: reason === NO_CERTIFICATE };
  }
}

const NO_CERTIFICATE = 'peer did not return a certificate';

const PLAIN_HTTP = 'the client opened with plain HTTP, and this door speaks TLS';

const WHY: ReadonlyMap<string, string> = new Map([
  ['http request', PLAIN_HTTP],
  // What OpenSSL calls a CONNECT.
  ['https proxy request', PLAIN_HTTP],
  [NO_CERTIFICATE, 'the client showed no certificate'],
]);

/** A subject with two common names could be taken for either of two users, and so is none. */
function commonName(socket: TLSSocket): string | undefined {
  const name: unknown = socket.getPeerCertificate().subject.CN;
  return typeof name === 'string' && name !== '' && !CONTROL.test(name) ? name : undefined;
}

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
