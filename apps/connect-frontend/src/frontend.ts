/** The explicit door: clients that know the proxy ask for `CONNECT host:port`. Read this first. */
import {
  askedDestination,
  encodeAlert,
  encodeRefusal,
  encodeSocksRefusal,
  fieldValue,
  findDoubtfulField,
  joinedValues,
  malformedRequest,
  oversizedHead,
  type ReadHello,
  readReplyWishes,
  recogniseTls,
  refusalAlert,
  TunnelError,
  type Frontend,
  type FrontendLikeness,
  type Greeting,
  type Identified,
  type LastReply,
  limitsForWishes,
  type PlainHttp,
  type PrereadLimits,
  type RefusedTunnel,
  type ReplyWishes,
  type SocksVersion,
  unexpectedHeader,
} from '@sallyport/tunnel-server';
import type { Destination } from '@sallyport/policy';
import type { DeadlineMs, Leg } from '@sallyport/tunnel-splice';
import { isWithoutSecret } from './read-head.ts';
import { readOpening, type Opening } from './read-opening.ts';
import { CONNECTION_ESTABLISHED, ESTABLISHED_STATUS } from './replies.ts';
import { awaitedOf, currentCertificate, requireHandshake, requireTls, whyGone } from './tls-rules.ts';

/** What the configuration says of the explicit door, as far as its frontend needs it. */
export interface ConnectFrontendOptions {
  /** For a client that uses TLS with this door: `explain` refuses it in TLS; a function serves it with the other door's frontend. */
  readonly misdirected: 'explain' | ((client: Leg) => Frontend);
  /** Reads the hello of a client that is refused because it uses TLS: for the log. */
  readonly readHello?: ReadHello;
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
  /** As much of a request as has arrived, where that was not read, or is no CONNECT that can be. */
  #unread: Uint8Array;
  /** A client with a SOCKS greeting is refused in SOCKS. */
  #socksVersion: SocksVersion | undefined;
  #isEstablished = false;
  /** A CONNECT without a secret and with nothing behind it: all that was read, and what it says. */
  #connect: { readonly bytes: Uint8Array; readonly identified: Identified } | undefined;
  /** Of its CONNECT, once that was read. */
  #asked: Destination | undefined;

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

  hearWishes(limits: PrereadLimits): Promise<void> | undefined {
    // At a door that speaks TLS a handshake would come first, and the limits are there to save it.
    if (this.#client.tls !== undefined) return undefined;
    const opening = readOpening(this.#client, limits, NO_BYTES);
    if (opening instanceof Promise) return opening.then((late) => this.#heed(late));
    this.#heed(opening);
    return undefined;
  }

  /** Notes how the client wants to be answered, and what says where it wants to go. */
  #heed(opening: Opening): void {
    if (opening.kind === 'request') this.#wishes = wishesOf(opening);
    if (opening.kind === 'socks') this.#socksVersion = opening.version;
    else if (opening.kind === 'request' && opening.asks.kind === 'connect') this.#asked = opening.asks.destination;
    else this.#unread = opening.bytes;
  }

  get asked(): Destination | undefined {
    return this.#otherDoor ? this.#otherDoor.asked : (this.#asked ?? askedDestination(this.#unread, true));
  }

  #judge(opening: Opening, limits: PrereadLimits): Asked | Promise<Asked> {
    this.#heed(opening);
    const header = opening.kind === 'malformed' ? unexpectedHeader(opening.bytes) : undefined;
    if (header !== undefined) throw malformedRequest(header);
    requireTls(this.#client, opening, this.#options.speaksTls);
    switch (opening.kind) {
      case 'request':
        return this.#readRequest(opening, limits);
      case 'tls':
        return this.#redirect(limits, opening.bytes);
      case 'malformed':
        throw malformedRequest(opening.why);
      case 'too-large':
        throw oversizedHead(limits.prereadLimitBytes);
      case 'timed-out':
        this.#isSilent = opening.bytes.length === 0;
        throw new TunnelError('handshake_timeout', `The ${awaitedOf(this.#client)} was not complete in time.`);
      case 'left':
        throw whyGone(this.#client, opening.bytes.length);
      case 'socks':
        throw malformedRequest(`it opens with SOCKS ${opening.version}, and this door speaks HTTP`);
    }
  }

  greeting(): Greeting {
    return this.#otherDoor?.greeting() ?? { bytes: CONNECTION_ESTABLISHED, status: ESTABLISHED_STATUS };
  }

  likeness(): FrontendLikeness | undefined {
    if (this.#connect === undefined) return undefined;
    const { bytes, identified } = this.#connect;
    const mask = new Uint8Array(bytes.length).fill(0xff);
    return { opening: { bytes, mask }, isSentUp: false, identified };
  }

  establish(): void {
    this.#isEstablished = true;
    if (this.#otherDoor) this.#otherDoor.establish();
    else this.#client.write(CONNECTION_ESTABLISHED);
  }

  refuse(error: TunnelError, tunnel: RefusedTunnel): number | undefined {
    if (this.#otherDoor) return this.#otherDoor.refuse(error, tunnel);
    const { bytes, status } = this.#answer(error, tunnel);
    this.#client.close(bytes);
    return status;
  }

  /** In the protocol that the client speaks. */
  #answer(error: TunnelError, tunnel: RefusedTunnel): LastReply {
    if (error.reason === 'misdirected') return { bytes: encodeAlert('unexpected_message') };
    // After a 200 the client would take a reply for bytes of the destination.
    if (this.#isEstablished) return { status: ESTABLISHED_STATUS };
    if (this.#socksVersion !== undefined) return { bytes: encodeSocksRefusal(this.#socksVersion) };
    if (this.#awaitsServerHello) return { bytes: refusalAlert(error.reason) };
    if (this.#isMute(error)) return {};
    const wishes = this.#wishes ?? readReplyWishes(this.#unread);
    return encodeRefusal(error, { tunnel, date: new Date(), ...wishes, realm: this.#options.auth?.realm }) ?? {};
  }

  /** It understands only an alert. */
  get #awaitsServerHello(): boolean {
    return this.#client.tls?.kind === 'withheld' || recogniseTls(this.#unread) === 'tls';
  }

  /** The client gets no reply. */
  #isMute({ reason }: TunnelError): boolean {
    const { introduction, tls } = this.#client;
    // At a door without a login, `auth` is about a certificate: the client gets what a failed TLS handshake gives it.
    const isForCertificate = reason === 'auth' && this.#options.auth === undefined;
    // A peer that did not say for which client it speaks gets no reply meant for a client; one that was not heard gets it.
    const isUnintroduced = introduction?.isRefused === true && reason !== 'overload';
    return this.#isSilent || isUnintroduced || isForCertificate || tls?.kind === 'failed' || tls?.kind === 'under-way';
  }

  #readRequest(opening: Request, { deadline }: PrereadLimits): Asked | Promise<Asked> {
    const { head, asks: request, bytes } = opening;
    switch (request.kind) {
      case 'connect':
        return this.#identified(
          this.#readConnect(opening, request.destination),
          this.#identifyUser(fieldValue(head, 'proxy-authorization'), deadline),
        );
      case 'other-method':
        if (this.#options.forwardsHttp) return this.#forward(bytes, deadline);
        requireNoDoubt(head);
        throw new TunnelError('method', 'This proxy serves only the method CONNECT.');
      case 'malformed':
        throw malformedRequest(request.why);
    }
  }

  #readConnect({ head, earlyBytes, bytes }: Request, destination: Destination): Identified {
    const identified = { destination, clientBytes: earlyBytes, via: joinedValues(head, 'via'), user: undefined };
    // What may hold a secret does not stay in memory, and what is repeated is kept there for a while.
    if (earlyBytes.length === 0 && isWithoutSecret(head)) this.#connect = { bytes, identified };
    return identified;
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
    if (misdirected === 'explain') throw await this.#misdirected(limits, alreadyRead);
    this.#otherDoor = misdirected(this.#client);
    return { ...(await this.#otherDoor.identify(limits, alreadyRead)), ...this.#userOfCertificate() };
  }

  /** The log has what its hello says, as far as that comes soon: whether it takes us for the destination, or uses TLS with its proxy. */
  async #misdirected(limits: PrereadLimits, alreadyRead: Uint8Array): Promise<TunnelError> {
    const read = await this.#options.readHello?.(this.#client, limitsForWishes(limits), alreadyRead);
    const context = read?.found.kind === 'hello' ? { hello: read.found.hello } : {};
    return new TunnelError('misdirected', 'This door speaks HTTP, but the client opened with TLS.', context);
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

const NO_BYTES = new Uint8Array(0);
const NO_USER: User = {};

function wishesOf({ head }: Request): ReplyWishes {
  return { isHead: head.method === 'HEAD', accept: joinedValues(head, 'accept') };
}

function requireNoDoubt(head: Request['head']): void {
  const doubtful = findDoubtfulField(head);
  if (doubtful !== undefined) throw malformedRequest(doubtful);
}
