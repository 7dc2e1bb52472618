/** TLS with one client: the socket its leg reads and writes, over the TCP socket beneath. */
import type { OnReadOpts, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { TlsState } from '../transport.ts';
import { certificateError, onTlsError, resetWhenClosed } from './node-handle.ts';
import { explainTlsError, type TlsFailure } from './tls-failures.ts';
import type { TlsIdentity } from '../tls-identity.ts';

/** What a leg that uses TLS needs beside its socket. */
export interface Secured {
  /** The TCP socket, for addresses and for an RST. */
  readonly wire: Socket;
  readonly state: TlsState;
  /** Begins the handshake, unless it has begun, or the peer does not use TLS. */
  begin(): void;
  /** Ends both at once with an RST. */
  reset(): void;
}

/**
 * Owns the TCP socket from its first line on. Once TLS has begun, only the TLS socket is ever destroyed, and destroys the TCP socket with
 * it.
 */
export class SecuredWire implements Secured {
  readonly wire: Socket;
  readonly #identity: TlsIdentity;
  #socket: TLSSocket | undefined;
  #state: TlsState = { kind: 'awaited' };
  #begin: (() => void) | undefined;

  constructor(wire: Socket, identity: TlsIdentity) {
    this.wire = wire;
    this.#identity = identity;
  }

  get state(): TlsState {
    return this.#state;
  }

  /**
   * Returns the TCP socket as it is: the peer's first byte tells whether it uses TLS at all. What is read goes to `onread`, as if the
   * socket had been made with it.
   * @param onSecured gets the TLS socket that replaces it, where TLS begins
   */
  open(onread: OnReadOpts, onSecured: (socket: Socket) => void): Socket {
    const { wire } = this;
    const opened = (bytes: Buffer): void => {
      if (opensTls(bytes)) {
        wire.pause();
        // TLS first takes what was already read from the TCP socket.
        wire.unshift(bytes);
        this.begin();
        return;
      }
      this.#begin = undefined;
      this.#state = { kind: 'absent' };
      const read = readInto(wire, onread);
      read(bytes);
    };
    this.#begin = () => {
      wire.off('data', opened);
      // It would flow on without a listener, and lose what was read before: that may be a whole ClientHello.
      wire.pause();
      onSecured(this.#secure(onread));
    };
    wire.once('data', opened);
    return wire;
  }

  /**
   * Begins the handshake, unless it has begun, or the peer does not use TLS. Called before anything is written, for it would be sent
   * unencrypted.
   */
  begin(): void {
    const begin = this.#begin;
    this.#begin = undefined;
    begin?.();
  }

  /** Ends both at once with an RST. */
  reset(): void {
    if (this.#socket === undefined) {
      this.wire.resetAndDestroy();
      return;
    }
    // Never `wire.resetAndDestroy()` here: with the TCP socket destroyed first, TLS uses a handle that is freed, and Node 20 crashes.
    resetWhenClosed(this.wire);
    this.#socket.destroy();
  }

  #secure(onread: OnReadOpts): Socket {
    this.#state = { kind: 'under-way' };
    const { secureContext, asksForCertificate } = this.#identity;
    const demand = { requestCert: asksForCertificate, rejectUnauthorized: asksForCertificate };
    const socket = new TLSSocket(this.wire, { isServer: true, secureContext, ...demand });
    this.#socket = socket;
    socket.on('error', (error: Error) => this.#failed(error));
    onTlsError(socket, (error) => this.#brokeOff(socket, error));
    socket.on('secure', () => this.#secured(socket));
    readInto(socket, onread);
    return socket;
  }

  /** The handshake is over. The client's certificate is not checked by that: we ask for OpenSSL's verdict. */
  #secured(socket: TLSSocket): void {
    const error = this.#identity.asksForCertificate ? certificateError(socket) : undefined;
    if (error === undefined) {
      const { asksForCertificate, authorities } = this.#identity;
      const peerName = asksForCertificate ? commonName(socket) : undefined;
      this.#state = {
        kind: 'secured',
        ...(peerName !== undefined && { peerName }),
        ...(authorities !== undefined && { authorities }),
        ...(asksForCertificate && { expiresAt: Date.parse(socket.getPeerCertificate().valid_to) }),
      };
      return;
    }
    const why = `the client's certificate is not trusted (${error})`;
    this.#state = { kind: 'failed', why, fault: 'client-certificate' };
    socket.destroy(new Error(error));
  }

  #failed(error: Error): void {
    const failure = this.#state.kind === 'under-way' ? explainTlsError(error) : undefined;
    if (failure) this.#state = failedFor(failure);
  }

  /**
   * Node.js does not report an error of TLS after the handshake, and keeps the socket open, though nothing can be read from it any more.
   */
  #brokeOff(socket: TLSSocket, error: Error): void {
    const failure = this.#state.kind === 'secured' ? explainTlsError(error) : undefined;
    if (!failure) return;
    this.#state = failedFor(failure);
    socket.destroy(error);
  }
}

function failedFor({ why, fault }: TlsFailure): TlsState {
  return { kind: 'failed', why, fault };
}

/** A handshake record (RFC 8446 §5.1), or the two-byte header of an SSL 2.0 hello. OpenSSL judges the rest. */
function opensTls([first = 0]: Uint8Array): boolean {
  return first === HANDSHAKE_RECORD || (first & SSLV2_SHORT_HEADER) !== 0;
}

const HANDSHAKE_RECORD = 22;
const SSLV2_SHORT_HEADER = 0x80;

/** Neither TLS nor an existing socket can be given a buffer to read into. */
function readInto(socket: Socket, onread: OnReadOpts): (bytes: Buffer) => void {
  const read = (bytes: Buffer): void => {
    if (!onread.callback(bytes.length, bytes)) socket.pause();
  };
  socket.on('data', read);
  return read;
}

/** A subject with two common names could be taken for either of two users, and so counts as none. */
function commonName(socket: TLSSocket): string | undefined {
  const name: unknown = socket.getPeerCertificate().subject.CN;
  return typeof name === 'string' && name !== '' && !CONTROL.test(name) ? name : undefined;
}

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
