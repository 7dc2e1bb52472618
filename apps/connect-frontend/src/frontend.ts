/** The explicit door: clients that know the proxy ask for `CONNECT host:port`. Read this first. */
import {
  departed,
  encodeAlert,
  encodeRefusal,
  encodeSocksRefusal,
  findDoubtfulField,
  joinedValues,
  readReplyWishes,
  REFUSALS,
  TunnelError,
  type Frontend,
  type Greeting,
  type Identified,
  type PlainHttp,
  type PrereadLimits,
  type Refusal,
  type RefusalReason,
  type RefusedTunnel,
  type ReplyWishes,
  type SocksVersion,
} from '@sallyport/tunnel-server';
import type { Destination } from '@sallyport/policy';
import type { DeadlineMs, Leg, TlsFault, TlsState } from '@sallyport/tunnel-splice';
import { parseConnectRequest } from './connect-request.ts';
import { readOpening, type Opening } from './read-opening.ts';
import { CONNECTION_ESTABLISHED, ESTABLISHED_STATUS } from './replies.ts';

export interface ConnectFrontendOptions {
  /** For a client that uses TLS with this door: `explain` refuses it in TLS; a function serves it with the other door's frontend. */
  readonly misdirected: 'explain' | ((client: Leg) => Frontend);
  /** Requests of plain HTTP are served one by one; otherwise they are refused. */
  readonly forwardsHttp?: boolean;
  /** Authenticates clients; left out where the door admits every client. */
  readonly auth?: ConnectAuth;
  /** The door speaks TLS now. A connection may be older than that, and have none. */
  readonly speaksTls?: boolean;
  /** The authorities whose certificates the door asks for now, as its TLS identity names them; left out where it asks for none. */
  readonly authorities?: string;
}

/** Basic credentials (RFC 7617). */
export interface ConnectAuth {
  /** Printable ASCII. */
  readonly realm: string;
  /** Returns the user's name. Throws `auth`, or `client_closed` where the client leaves meanwhile. */
  authenticate(client: Leg, fieldValue: string | undefined, deadline: DeadlineMs): Promise<string>;
}

/**
 * The frontend of one client at the explicit door. It reads and writes `client`, but closes it only in `refuse`.
 * @param further what was read of a further request, on a connection of plain HTTP
 */
export function createConnectFrontend(
  client: Leg,
  options: ConnectFrontendOptions,
  further: Uint8Array = NO_BYTES,
): Frontend {
  return new ConnectFrontend(client, options, further);
}

class ConnectFrontend implements Frontend {
  readonly #client: Leg;
  readonly #options: ConnectFrontendOptions;
  /** Serves this client in our place, once it was found to be at the wrong door. */
  #otherDoor: Frontend | undefined;
  /** The client sent nothing, and gets no reply. */
  #isSilent = false;
  /** Of its request, once that was read. */
  #wishes: ReplyWishes | undefined;
  /** As much of a request as has arrived, where that was not read, or cannot be. */
  #unread: Uint8Array;
  /** A client with a SOCKS greeting is refused in SOCKS. */
  #socksVersion: SocksVersion | undefined;
  #isEstablished = false;

  asked: Destination | undefined;

  constructor(client: Leg, options: ConnectFrontendOptions, further: Uint8Array) {
    this.#client = client;
    this.#options = options;
    this.#unread = further;
  }

  identify(limits: PrereadLimits, alreadyRead = NO_BYTES): Asked | Promise<Asked> {
    requireHandshake(this.#client);
    const opening = readOpening(this.#client, limits, alreadyRead);
    return opening instanceof Promise
      ? opening.then((read) => this.#judge(read, limits))
      : this.#judge(opening, limits);
  }

  #judge(opening: Opening, limits: PrereadLimits): Asked | Promise<Asked> {
    if (opening.kind === 'request') this.#wishes = wishesOf(opening);
    else if ('bytes' in opening) this.#unread = opening.bytes;
    requireTls(this.#client, opening, this.#options.speaksTls);
    switch (opening.kind) {
      case 'request':
        return this.#readRequest(opening, limits);
      case 'tls':
        return this.#redirect(limits, opening.bytes);
      case 'malformed':
        throw malformed(opening.why);
      case 'too-large':
        throw new TunnelError('too_large', `The request head is larger than ${limits.prereadLimitBytes} bytes.`);
      case 'timed-out':
        this.#isSilent = opening.bytes.length === 0;
        throw new TunnelError('handshake_timeout', `The ${awaitedOf(this.#client)} was not complete in time.`);
      case 'left':
        throw whyGone(this.#client, opening.saidBytes);
      case 'socks':
        this.#socksVersion = opening.version;
        throw malformed(`it opens with SOCKS ${opening.version}, and this door speaks HTTP`);
    }
  }

  greeting(): Greeting {
    return this.#otherDoor?.greeting() ?? { bytes: CONNECTION_ESTABLISHED, status: ESTABLISHED_STATUS };
  }

  establish(): void {
    this.#isEstablished = true;
    if (this.#otherDoor) this.#otherDoor.establish();
    else this.#client.write(CONNECTION_ESTABLISHED);
  }

  refuse(error: TunnelError, tunnel: RefusedTunnel): number | undefined {
    if (this.#otherDoor) return this.#otherDoor.refuse(error, tunnel);
    if (error.reason === 'misdirected') {
      this.#client.close(encodeAlert('unexpected_message'));
      return undefined;
    }
    if (this.#isEstablished) {
      // After a 200 the client would take a reply for bytes of the destination, so it is only closed.
      this.#client.close();
      return ESTABLISHED_STATUS;
    }
    if (this.#socksVersion !== undefined) {
      this.#client.close(encodeSocksRefusal(this.#socksVersion));
      return undefined;
    }
    const state = this.#client.tls?.kind;
    if (state === 'withheld') {
      // The client waits for a ServerHello, and understands only an alert.
      const { alert }: Refusal = REFUSALS[error.reason];
      this.#client.close(alert && encodeAlert(alert));
      return undefined;
    }
    // At a door without a login, `auth` is about a certificate: the client gets what a failed TLS handshake gives it.
    const isForCertificate = error.reason === 'auth' && this.#options.auth === undefined;
    const isMute = this.#isSilent || isForCertificate || state === 'failed' || state === 'under-way';
    const wishes = this.#wishes ?? readReplyWishes(this.#unread);
    const context = { tunnel, date: new Date(), ...wishes, realm: this.#options.auth?.realm };
    const reply = isMute ? undefined : encodeRefusal(error, context);
    this.#client.close(reply?.bytes);
    return reply?.status;
  }

  #readRequest(opening: Request, { deadline }: PrereadLimits): Asked | Promise<Asked> {
    const { head, earlyBytes, bytes } = opening;
    const request = parseConnectRequest(head);
    switch (request.kind) {
      case 'connect':
        this.asked = request.destination;
        return this.#identified(
          {
            destination: request.destination,
            clientBytes: earlyBytes,
            via: joinedValues(head, 'via'),
            user: undefined,
          },
          this.#identifyUser(credentialsIn(head), deadline),
        );
      case 'other-method':
        if (this.#options.forwardsHttp) return this.#forward(bytes, deadline);
        requireNoDoubt(head);
        throw new TunnelError('method', 'This proxy serves only the method CONNECT.');
      case 'malformed':
        throw malformed(request.why);
    }
  }

  #identified(identified: Identified, user: User | Promise<User>): Identified | Promise<Identified> {
    if (user instanceof Promise) return user.then((known) => ({ ...identified, ...known }));
    return user === NO_USER ? identified : { ...identified, ...user };
  }

  /** Plain HTTP: each request has a destination and credentials of its own. */
  #forward(clientBytes: Uint8Array, headDeadline: DeadlineMs): PlainHttp {
    const realm = this.#options.auth?.realm;
    return {
      kind: 'http',
      clientBytes,
      headDeadline,
      isToProxy: true,
      ...(realm !== undefined && { realm }),
      identifyUser: async (credentials, deadline) => this.#identifyUser(credentials, deadline),
    };
  }

  /** By credentials where the door asks for them, otherwise by the certificate where it asked for one. */
  #identifyUser(credentials: string | undefined, deadline: DeadlineMs): User | Promise<User> {
    const { auth } = this.#options;
    const certified = this.#userOfCertificate();
    if (!auth) return certified;
    return auth.authenticate(this.#client, credentials, deadline).then((user) => ({ user }));
  }

  async #redirect(limits: PrereadLimits, alreadyRead: Uint8Array): Promise<Asked> {
    const { misdirected } = this.#options;
    if (misdirected === 'explain') {
      throw new TunnelError('misdirected', 'This door speaks HTTP, but the client opened with TLS.');
    }
    this.#otherDoor = misdirected(this.#client);
    return { ...(await this.#otherDoor.identify(limits, alreadyRead)), ...this.#userOfCertificate() };
  }

  #userOfCertificate(): User {
    const { authorities } = this.#options;
    if (authorities === undefined) return NO_USER;
    const { peerName } = currentCertificate(this.#client, authorities);
    return peerName === undefined ? NO_USER : { user: peerName };
  }
}

type Asked = Identified | PlainHttp;
type User = Pick<Identified, 'user'>;
type Request = Extract<Opening, { kind: 'request' }>;
type SecuredTls = Extract<TlsState, { kind: 'secured' }>;

const NO_BYTES = new Uint8Array(0);
const NO_USER: User = {};

function wishesOf({ head }: Request): ReplyWishes {
  return { isHead: head.method === 'HEAD', accept: joinedValues(head, 'accept') };
}

function credentialsIn({ fields }: Request['head']): string | undefined {
  return fields.find(({ name }) => name === 'proxy-authorization')?.value;
}

function requireNoDoubt(head: Request['head']): void {
  const doubtful = findDoubtfulField(head);
  if (doubtful !== undefined) throw malformed(doubtful);
}

/**
 * A connection may be older than the door's present authorities, or than its asking for certificates, or its certificate may have expired.
 * A new connection is checked again.
 */
function currentCertificate({ tls }: Leg, authorities: string): Pick<SecuredTls, 'peerName'> {
  if (tls?.kind !== 'secured' || tls.authorities !== authorities)
    throw new TunnelError('auth', 'This connection is older than the authorities whose certificates count now.');
  if (tls.expiresAt !== undefined && tls.expiresAt < Date.now())
    throw new TunnelError('auth', "The client's certificate has expired since this connection began.");
  return tls;
}

/** The limits had no room for it when it was accepted, so it got no handshake. They may have room now. */
function requireHandshake({ tls }: Leg): void {
  if (tls?.kind === 'withheld')
    throw new TunnelError('overload', 'The limits had no room for this client when it connected.');
}

/** A client with plain HTTP at a TLS door gets a reply in plain HTTP, but is never served. */
function requireTls({ tls }: Leg, { kind }: Opening, speaksTls = false): void {
  const isPlain = tls === undefined ? speaksTls && kind !== 'tls' : tls.kind === 'absent';
  if (!isPlain || kind === 'left' || kind === 'timed-out' || kind === 'socks') return;
  const isHttp = kind === 'request' || kind === 'too-large';
  throw malformed(`it is ${isHttp ? 'plain HTTP' : 'no TLS'}, and this door speaks TLS`);
}

/** What the client has to complete next. */
function awaitedOf({ tls }: Leg): string {
  return tls?.kind === 'awaited' || tls?.kind === 'under-way' ? 'TLS handshake' : 'request head';
}

/** A leg is closed when its TLS fails: the client could not read a reply in HTTP, and TLS has sent its alert. */
function whyGone(client: Leg, saidBytes: number): TunnelError {
  const { tls } = client;
  switch (tls?.kind) {
    case 'failed':
      return new TunnelError(TLS_FAULTS[tls.fault], `TLS with the client failed: ${tls.why}.`);
    case 'under-way':
      return new TunnelError('client_closed', 'The client left before its TLS handshake was complete.');
    case 'secured':
      if (saidBytes > 0) break;
      // Some programs check the names in a certificate only after the handshake.
      return new TunnelError(
        'client_closed',
        'The client left right behind its TLS handshake: does it accept the certificate?',
      );
    case 'awaited':
    case 'absent':
    case 'withheld':
    case undefined:
      break;
  }
  return departed(saidBytes, 'its request head was complete');
}

const TLS_FAULTS = {
  'client-certificate': 'auth',
  'own-certificate': 'certificate',
  alert: 'client_closed',
  form: 'malformed',
} as const satisfies Record<TlsFault, RefusalReason>;

function malformed(why: string): TunnelError {
  return new TunnelError('malformed', `The request is malformed: ${why}.`);
}
