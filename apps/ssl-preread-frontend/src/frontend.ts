/** The transparent door: its clients do not know of a proxy, and name their destination in the ClientHello's SNI. Read this first. */
import { parseIp } from '@sallyport/addresses';
import type { Destination } from '@sallyport/policy';
import {
  askedDestination,
  departed,
  type Frontend,
  type FrontendLikeness,
  type Greeting,
  type HelloFacts,
  type Identified,
  type LastReply,
  limitsForWishes,
  type PlainHttp,
  type Preread,
  type PrereadLimits,
  readForHead,
  type RefusedTunnel,
  TunnelError,
  unexpectedHeader,
} from '@sallyport/tunnel-server';
import type { Address, Leg } from '@sallyport/tunnel-splice';
import { answerFurther, answerInHttp, answerInTls } from './answers.ts';
import { markHello } from './hello-marks.ts';
import { readRandom } from './client-hello.ts';
import { type HelloFound, readHello } from './read-hello.ts';
import { beginsRequestLine, type PlaintextFound, readPlaintext } from './read-plaintext.ts';

/** What the configuration says of the transparent door, as far as its frontend needs it. */
export interface SslPrereadFrontendOptions {
  /** The destination's port, where no original one is known: SNI names only a host. */
  readonly port: number;
  /** The destination of a client that names no host. */
  readonly withoutSni:
    { readonly kind: 'reject' | 'original' } | { readonly kind: 'destination'; readonly destination: Destination };
  /** A ClientHello with an encrypted_client_hello extension; GREASE cannot be told from the real one (RFC 9849 §6.2). */
  readonly ech: 'allow' | 'deny';
  /** For a CONNECT in plaintext: `explain` answers 421; a function serves it with the other door's frontend. */
  readonly misdirected: 'explain' | ((client: Leg) => Frontend);
  /** Requests of plain HTTP are served one by one, to the destination in Host; otherwise a 421 refuses them. */
  readonly forwardsHttp?: boolean;
  /** Where the explicit door is, if there is one: what the 421 recommends. `host:port`, or other words. */
  readonly explicitDoor?: string;
}

/**
 * The frontend of one client at the transparent door. It reads and writes `client`, but closes it only in `refuse`.
 * @param further what was read of a further request, on a connection of plain HTTP
 */
export function createSslPrereadFrontend(
  client: Leg,
  options: SslPrereadFrontendOptions,
  further?: Uint8Array,
): Frontend {
  return new SslPrereadFrontend(client, options, further);
}

class SslPrereadFrontend implements Frontend {
  readonly #client: Leg;
  readonly #options: SslPrereadFrontendOptions;
  /** Its connection was served in HTTP before. */
  readonly #isFurther: boolean;
  /** What was read of a further request, until that is judged; or of a client in HTTP that the limits refuse. Both are answered alike. */
  #further: Uint8Array | undefined;
  /** Serves this client in our place, once it was found to be at the wrong door. */
  #otherDoor: Frontend | undefined;
  /** What was read of an HTTP client: it is answered in HTTP. */
  #httpRequest: Uint8Array | undefined;
  #isEstablished = false;
  /** What a hello with nothing behind it says. */
  #hello: Identified | undefined;
  /** Of a client that this door refuses before it is identified. */
  #asked: Destination | undefined;

  constructor(client: Leg, options: SslPrereadFrontendOptions, further: Uint8Array | undefined) {
    this.#client = client;
    this.#options = options;
    this.#isFurther = further !== undefined;
    this.#further = further;
  }

  identify(limits: PrereadLimits, alreadyRead?: Uint8Array): Opening | Promise<Opening> {
    this.#further = undefined;
    const preread = readHello(this.#client, limits, alreadyRead);
    return preread instanceof Promise
      ? preread.then((read) => this.#judge(read, limits))
      : this.#judge(preread, limits);
  }

  hearWishes(limits: PrereadLimits): Promise<void> | undefined {
    const { forwardsHttp, misdirected } = this.#options;
    // Elsewhere only TLS is served, and is refused by an alert before its hello has come.
    return forwardsHttp || misdirected !== 'explain' ? this.#hear(limits) : undefined;
  }

  /** A client that speaks HTTP is refused as a further request is. */
  async #hear(limits: PrereadLimits): Promise<void> {
    const { found, bytes } = await readPlaintext(this.#client, limits, NO_BYTES);
    if (found.kind === 'http' || found.kind === 'connect') this.#further = await this.#readOn(limits, bytes);
  }

  #judge({ found, bytes }: Preread<HelloFound>, limits: PrereadLimits): Opening | Promise<Opening> {
    switch (found.kind) {
      case 'hello':
        return this.#identified(found, bytes);
      case 'not-tls':
        return this.#turnAway(limits, bytes);
      case 'malformed':
        throw new TunnelError('malformed', `The ClientHello is malformed: ${found.why}.`);
      case 'too-large':
        throw new TunnelError('too_large', `The ClientHello is larger than ${limits.prereadLimitBytes} bytes.`);
      case 'timed-out':
        throw new TunnelError('handshake_timeout', 'The ClientHello was not complete in time.');
      case 'left':
        throw departed(bytes.length, 'its ClientHello was complete');
    }
  }

  get asked(): Destination | undefined {
    if (this.#otherDoor) return this.#otherDoor.asked;
    return this.#asked ?? askedDestination(this.#httpRequest ?? this.#further ?? NO_BYTES, false);
  }

  greeting(): Greeting {
    return this.#otherDoor?.greeting() ?? NO_GREETING;
  }

  likeness(): FrontendLikeness | undefined {
    const identified = this.#hello;
    const marks = identified && markHello(identified.clientBytes);
    if (identified?.hello === undefined || marks === undefined) return undefined;
    const { mask, random } = marks;
    const opening = { bytes: identified.clientBytes, mask };
    if (identified.hello.random !== 0)
      return { opening, nonce: random, isSentUp: true, identified, randomOf: readRandom };
    // A hello made by hand is sent again and again, to the last byte.
    mask.fill(0xff, random.at, random.at + random.length);
    return { opening, isSentUp: true, identified };
  }

  establish(): void {
    this.#isEstablished = true;
    this.#otherDoor?.establish();
  }

  refuse(error: TunnelError, tunnel: RefusedTunnel): number | undefined {
    if (this.#otherDoor) return this.#otherDoor.refuse(error, tunnel);
    // Once the tunnel is up, the client would take our bytes for the destination's.
    const answer = this.#isEstablished ? {} : this.#answer(error, tunnel);
    this.#client.close(answer.bytes);
    return answer.status;
  }

  #answer(error: TunnelError, tunnel: RefusedTunnel): LastReply {
    if (this.#httpRequest) return answerInHttp(error, tunnel, this.#httpRequest);
    return this.#further ? answerFurther(error, tunnel, this.#further) : answerInTls(error);
  }

  #identified({ hello, endsAt }: Hello, bytes: Uint8Array): Identified {
    const chosen = this.#chooseDestination(hello);
    if (endsAt === bytes.length) return (this.#hello = { ...chosen, clientBytes: bytes, hello, user: undefined });
    this.#client.putBack(bytes.subarray(endsAt));
    return { ...chosen, clientBytes: bytes.subarray(0, endsAt), hello, user: undefined };
  }

  /** The original address is passed on only with a destination that was derived from it: it says nothing of another one. */
  #chooseDestination(hello: HelloFacts): Pick<Identified, 'destination' | 'original'> {
    const { ech, port, withoutSni } = this.#options;
    const { original } = this.#client;
    const named =
      hello.sni === undefined ? undefined : ({ kind: 'name', host: hello.sni, port: original?.port ?? port } as const);
    if (hello.ech && ech === 'deny') {
      this.#asked = named;
      throw new TunnelError('ech', 'The ClientHello has an encrypted_client_hello extension.', { hello });
    }
    if (named) return { destination: named, original };
    if (withoutSni.kind === 'destination') return { destination: withoutSni.destination, original: undefined };
    const destination = withoutSni.kind === 'original' ? original && addressDestination(original) : undefined;
    if (destination) return { destination, original };
    const why =
      hello.literal === undefined ? 'names no server' : `has the IP address ${hello.literal} in place of a server name`;
    throw new TunnelError('no_sni', `The ClientHello ${why}.`, { hello });
  }

  /** A client without TLS is directed to the right door, if it uses HTTP. Others get no bytes, which they could misread. */
  async #turnAway(limits: PrereadLimits, alreadyRead: Uint8Array): Promise<Opening> {
    const { found, bytes } = await readPlaintext(this.#client, limits, alreadyRead);
    switch (this.#isOfHttp(found.kind, bytes) ? 'http' : found.kind) {
      case 'connect':
        return this.#redirect(limits, bytes);
      case 'http':
        if (this.#options.forwardsHttp) return plainHttp(bytes, limits);
        this.#httpRequest = await this.#readOn(limitsForWishes(limits), bytes);
        throw new TunnelError('not_tls', 'This port serves only TLS, and plain HTTP is not TLS.');
      case 'socks':
        throw new TunnelError('not_tls', 'The client speaks SOCKS, and this door TLS.');
      case 'other':
      case 'too-large':
        throw new TunnelError('not_tls', `The client speaks neither TLS nor HTTP${andWhy(unexpectedHeader(bytes))}.`);
      case 'timed-out':
        throw new TunnelError('handshake_timeout', 'What the client speaks could not be told in time.');
      case 'left':
        throw departed(bytes.length, 'it could be told what it speaks');
    }
  }

  /** Whoever forwards it says what is wrong with it: that it is too large, or that a client which has spoken HTTP goes on with other bytes. */
  #isOfHttp(kind: PlaintextKind, bytes: Uint8Array): boolean {
    if (kind === 'too-large' && beginsRequestLine(bytes)) return true;
    return this.#isFurther && kind !== 'connect' && this.#options.forwardsHttp === true;
  }

  /** Serves or refuses a CONNECT. It may only use the door's own port, as the door's other clients do: they cannot choose a port. */
  async #redirect(limits: PrereadLimits, alreadyRead: Uint8Array): Promise<Opening> {
    const { misdirected, port } = this.#options;
    if (misdirected === 'explain') {
      const begun = await this.#readOn(limitsForWishes(limits), alreadyRead);
      throw this.#misdirected(begun, 'takes no CONNECT');
    }
    const request = await this.#readOn(limits, alreadyRead);
    this.#otherDoor = misdirected(this.#client);
    const identified = await this.#otherDoor.identify(limits, request);
    if ('kind' in identified || identified.destination.port === port) return identified;
    this.#otherDoor = undefined;
    this.#asked = identified.destination;
    throw this.#misdirected(request, `takes a CONNECT to port ${port} alone`);
  }

  /** To the end of its head, as far as that comes: what the client wants to be told, and how, may be in its last line. */
  async #readOn(limits: PrereadLimits, alreadyRead: Uint8Array): Promise<Uint8Array> {
    const { bytes } = await readForHead(this.#client, limits, alreadyRead);
    return bytes;
  }

  #misdirected(request: Uint8Array, why: string): TunnelError {
    const { explicitDoor } = this.#options;
    this.#httpRequest = request;
    const remedy = explicitDoor === undefined ? 'and no door here takes one' : `send it to ${explicitDoor}`;
    return new TunnelError('misdirected', `This port serves only TLS and ${why}: ${remedy}.`);
  }
}

type Opening = Identified | PlainHttp;
type Hello = Extract<HelloFound, { kind: 'hello' }>;
type PlaintextKind = Preread<PlaintextFound>['found']['kind'];

const NO_BYTES = new Uint8Array(0);
/** The client takes us for the destination, and gets no byte of ours. */
const NO_GREETING: Greeting = { bytes: NO_BYTES, status: undefined };

function addressDestination({ host, port }: Address): Destination | undefined {
  const ip = parseIp(host);
  return ip && { kind: 'address', host: ip.text, ip, port };
}

function andWhy(clause: string | undefined): string {
  return clause === undefined ? '' : `: ${clause}`;
}

/** Clients of this door do not know of a proxy, and have no credentials for one. */
function plainHttp(clientBytes: Uint8Array, { deadline: headDeadline }: PrereadLimits): PlainHttp {
  return { kind: 'http', clientBytes, headDeadline, isToProxy: false, identifyUser: () => Promise.resolve({}) };
}
