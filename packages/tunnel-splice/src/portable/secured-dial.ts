/** One attempt to connect to a literal address and to use TLS with the peer. */
import type { OnReadOpts, Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { DialEnd } from '../dial-end.ts';
import type { Address, Dial, DialOptions, DialResult, TlsState } from '../transport.ts';
import type { Alarm } from './deadlines.ts';
import { PortableLeg, type LegResources } from './leg.ts';
import { resetWhenClosed } from './node-handle.ts';
import { dialledSocket } from './node-socket.ts';
import type { Secured } from './secured-wire.ts';
import { dialFailureFrom } from './system-errors.ts';

type Secure = NonNullable<DialOptions['secure']>;

interface SecuredDialOptions extends DialOptions {
  readonly secure: Secure;
}

/** See {@link Dial}. `connected` is reported once the peer's certificate is verified. */
export class SecuredDial extends DialEnd implements Dial {
  readonly #resources: LegResources;
  readonly #options: SecuredDialOptions;
  readonly #wire: Socket;
  readonly #alarm: Alarm;
  #leg: PortableLeg | undefined;

  constructor(address: Address, options: SecuredDialOptions, resources: LegResources) {
    super();
    this.#resources = resources;
    this.#options = options;
    this.#wire = dialledSocket(address, options.sourceHost);
    // The listener stays as long as the socket: an `error` event without a listener ends the process.
    this.#wire.on('error', (error) =>
      this.#fail(
        this.#leg ? failureOf(error, options.secure.peerName) : { kind: dialFailureFrom(error, address.host) },
      ),
    );
    this.#wire.on('close', () => this.cancel());
    this.#wire.once('connect', () => this.#secure());
    this.#alarm = resources.deadlines.at(options.deadline, () =>
      this.#fail({ kind: this.#leg ? 'tls-timeout' : 'timeout' }),
    );
  }

  cancel(): void {
    this.#fail({ kind: 'cancelled' });
  }

  #secure(): void {
    const { preface, secure } = this.#options;
    if (preface) this.#wire.write(preface);
    const wire = new SecuredUpstream(this.#wire, secure);
    const leg = new PortableLeg(
      this.#resources,
      (onread) => wire.open(onread, (failure) => this.#settled(failure)),
      wire,
    );
    this.#leg = leg;
    if (!leg.nameEnds()) this.#fail(RESET);
  }

  #settled(failure: Failure | undefined): void {
    if (failure) this.#fail(failure);
    else if (this.#leg) this.#conclude({ kind: 'connected', leg: this.#leg });
  }

  #fail(result: DialResult): void {
    if (this.isOver) return;
    if (this.#leg) this.#leg.stop();
    else this.#wire.destroy();
    this.#conclude(result);
  }

  #conclude(result: DialResult): void {
    this.#resources.deadlines.cancel(this.#alarm);
    this.settle(result);
  }
}

interface Failure {
  readonly kind: 'untrusted';
  readonly why: string;
}

/** The client's side of TLS over a connected socket. Only the TLS socket is ever destroyed, and destroys the TCP socket with it. */
class SecuredUpstream implements Secured {
  readonly wire: Socket;
  readonly #secure: Secure;
  #socket: TLSSocket | undefined;
  #state: TlsState = { kind: 'secured' };

  constructor(wire: Socket, secure: Secure) {
    this.wire = wire;
    this.#secure = secure;
  }

  get state(): TlsState {
    return this.#state;
  }

  /** @param onSettled is called once with the result of the handshake */
  open(onread: OnReadOpts, onSettled: (failure: Failure | undefined) => void): Socket {
    const { trust, peerName } = this.#secure;
    const isName = !/^[\d.]+$|:/.test(peerName);
    const socket = connectTls({
      socket: this.wire,
      secureContext: trust.secureContext,
      host: peerName,
      // RFC 6066 §3: no IP literal in server_name.
      ...(isName && { servername: peerName }),
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
    });
    this.#socket = socket;
    socket.allowHalfOpen = true;
    socket.once('secureConnect', () => onSettled(undefined));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const failure = failureOf(error, peerName);
      // A peer of TLS 1.3 refuses our last message of the handshake when that is over for us (RFC 8446 §4.4.2.4).
      if ('reason' in error) this.#state = { kind: 'failed', why: failure.why, fault: 'alert' };
      onSettled(failure);
    });
    socket.on('end', () => onSettled({ kind: 'untrusted', why: 'it closed the connection' }));
    socket.on('data', (bytes: Buffer) => {
      if (!onread.callback(bytes.length, bytes)) socket.pause();
    });
    return socket;
  }

  begin(): void {
    // It has begun, with the leg itself.
  }

  reset(): void {
    // As for a client's connection: never the TCP socket first.
    resetWhenClosed(this.wire);
    this.#socket?.destroy();
  }
}

/** It took the connection, so this is no refusal of it. */
const RESET: Failure = { kind: 'untrusted', why: 'it reset the connection' };

/** OpenSSL's errors and codes such as `CERT_HAS_EXPIRED`. Any other error is one of the connection. */
function failureOf(error: NodeJS.ErrnoException, peerName: string): Failure {
  // Node.js has a reason of its own for this one, which ends with a list that may be empty.
  if (error.code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return { kind: 'untrusted', why: `its certificate is not for ${peerName}` };
  if ('reason' in error && typeof error.reason === 'string')
    return { kind: 'untrusted', why: `TLS says ${error.reason}` };
  const code = error.code ?? '';
  if (code === 'ECONNRESET' || code === 'EPIPE') return RESET;
  if (error.syscall !== undefined) return { kind: 'untrusted', why: `the connection broke (${code})` };
  return { kind: 'untrusted', why: `its certificate is not trusted (${code})` };
}
