/** The cross-check at the explicit door: does the ClientHello inside the tunnel name the host that CONNECT named? */
import { type Leg, TICK_MS } from '@sallyport/tunnel-splice';
import { encodeAlert } from './alert-record.ts';
import type { Destination } from '@sallyport/policy';
import type { PrereadLimits } from './frontend.ts';
import type { HelloFacts } from './hello-facts.ts';
import { TunnelError } from './reasons.ts';
import { type GreetedTunnel, type GreetResult, passSecondHello } from './second-hello.ts';
import { NOTHING } from './second-hello-records.ts';

/** What the client's first bytes inside the tunnel were, and the bytes themselves, to be sent unchanged. */
export interface HelloInside {
  readonly found:
    /** `endsAt`: where the bytes behind the hello begin. */
    | { readonly kind: 'hello'; readonly hello: HelloFacts; readonly endsAt: number }
    /** `why` is a clause for the log. */
    | { readonly kind: 'malformed'; readonly why: string }
    | { readonly kind: 'not-tls' | 'too-large' | 'timed-out' | 'left' };
  readonly bytes: Uint8Array;
}

/** Reads a ClientHello. The program passes in the transparent door's own reader, so that there is only one. */
export type ReadHello = (
  client: Leg,
  limits: PrereadLimits,
  alreadyRead: Uint8Array,
) => HelloInside | Promise<HelloInside>;

/** `absent`: a ClientHello without a name where a name was asked for. `not_tls`: anything that is not a whole ClientHello. */
export type SniResult = 'match' | 'mismatch' | 'absent' | 'not_tls';

/** One tunnel that is up and not spliced yet. */
export interface UnverifiedTunnel {
  readonly client: Leg;
  readonly upstream: Leg;
  readonly destination: Destination;
  /** Read from the client behind its CONNECT. */
  readonly clientBytes: Uint8Array;
  readonly limits: PrereadLimits;
  /** Called for bytes that are relayed before the splice. */
  readonly onRelayed: (bytesUp: number, bytesDown: number) => void;
}

export interface SniCheckTools {
  readonly readHello: ReadHello;
  /** Called with every result, also one that ends the tunnel. */
  readonly onResult: (result: SniResult) => void;
  /** A hello with an encrypted_client_hello extension ends the tunnel: its outer name is not the client's destination. */
  readonly deniesEch: boolean;
}

/** A tunnel whose destination was decided by its hello, `clientBytes`. */
export interface DecidedByHello extends Omit<UnverifiedTunnel, 'destination'> {
  readonly hello: HelloFacts;
  /** The hello was sent up. */
  readonly isHelloSent: boolean;
}

/** Requires that a second hello names the host of the first. Throws as {@link enforceSni} does. */
export async function followDecided(tunnel: DecidedByHello, tools: SniCheckTools): Promise<SniVerdict> {
  const { upstream, hello, clientBytes: helloBytes, isHelloSent, onRelayed } = tunnel;
  if (!isHelloSent) upstream.write(helloBytes);
  onRelayed(helloBytes.length, 0);
  const followed = { ...tunnel, clientBytes: NOTHING, isStrict: false };
  return requireGreeted(await followHello(followed, hello, tools), tunnel, { result: 'match', hello });
}

export interface SniVerdict {
  readonly result: SniResult;
  readonly hello?: HelloFacts;
  /** Where in `clientBytes` the bytes behind the hello begin. */
  readonly helloEndsAt?: number;
  /** What both sides have sent by now; to be relayed first. */
  readonly clientBytes: Uint8Array;
  readonly upstreamBytes?: Uint8Array;
}

/**
 * Reads the hello before a byte is sent up. Unless it names the destination, the tunnel ends and nothing of the hello is sent up. Throws
 * `sni_mismatch`, `ech`, `handshake_timeout` or `client_closed`, both legs closed; a client that used TLS gets an alert. The same holds
 * for a second hello, after a HelloRetryRequest.
 */
export async function enforceSni(tunnel: UnverifiedTunnel, tools: SniCheckTools): Promise<SniVerdict> {
  const { client, upstream, limits, clientBytes } = tunnel;
  const inside = await tools.readHello(client, limits, clientBytes);
  const verdict = judgeHello(inside, tunnel);
  if (inside.found.kind !== 'left') tools.onResult(verdict.result);
  refuseEch(tunnel, verdict.hello, 'The ClientHello in the tunnel', tools);
  if (verdict.result === 'match') return requireSameHost({ ...tunnel, isStrict: true }, verdict, tools);
  upstream.close();
  client.close(speaksTls(inside) ? encodeAlert('access_denied') : undefined);
  throw explain(inside, verdict);
}

/**
 * Only counts, and delays no tunnel: where the server sends first, the tunnel goes on without a hello. A second hello is counted if it
 * names another host, and sent all the same. Throws `ech`, both legs closed, where that is denied.
 */
export async function reportSni(tunnel: UnverifiedTunnel, tools: SniCheckTools): Promise<SniVerdict> {
  const verdict = await watchHello(tunnel, tools.readHello);
  tools.onResult(verdict.result);
  refuseEch(tunnel, verdict.hello, 'The ClientHello in the tunnel', tools);
  if (verdict.result !== 'match' && !tools.deniesEch) return verdict;
  const passed = await sendHello({ ...tunnel, isStrict: false }, verdict, tools);
  return passed ? { ...verdict, ...passed } : verdict;
}

type Followed = Omit<UnverifiedTunnel, 'destination'> & Pick<GreetedTunnel, 'isStrict'>;

/** Sends the hello up, and goes on once no other one can follow it. */
async function requireSameHost(tunnel: Followed, verdict: SniVerdict, tools: SniCheckTools): Promise<SniVerdict> {
  const passed = await sendHello(tunnel, verdict, tools);
  return passed ? requireGreeted(passed, tunnel, verdict) : verdict;
}

/**
 * Undefined, with nothing sent, where there was no hello. Only TLS 1.3 has a HelloRetryRequest, but the server decides whether a hello
 * offers it: readers differ in what two lists of versions, or a draft's, mean.
 */
async function sendHello(
  tunnel: Followed,
  { hello, helloEndsAt, clientBytes: bytes }: SniVerdict,
  tools: SniCheckTools,
): Promise<GreetResult | undefined> {
  if (hello === undefined || helloEndsAt === undefined) return undefined;
  tunnel.upstream.write(bytes.subarray(0, helloEndsAt));
  tunnel.onRelayed(helloEndsAt, 0);
  return followHello({ ...tunnel, clientBytes: bytes.subarray(helloEndsAt) }, hello, tools);
}

/** The first hello was sent up. Throws `ech`, both legs closed, where the second has what is denied in any. */
async function followHello(
  { client, upstream, clientBytes, limits, isStrict, onRelayed }: Followed,
  hello: HelloFacts,
  tools: SniCheckTools,
): Promise<GreetResult> {
  const passed = await passSecondHello(
    { client, upstream, hello, clientBytes, limits, isStrict, onRelayed },
    tools.readHello,
  );
  refuseEch({ client, upstream }, passed.second, 'The ClientHello that follows a HelloRetryRequest', tools);
  if (passed.kind === 'other-host') tools.onResult('mismatch');
  return passed;
}

function requireGreeted(
  passed: GreetResult,
  { client, upstream }: Pick<Followed, 'client' | 'upstream'>,
  { result, hello }: Pick<SniVerdict, 'result' | 'hello'>,
): SniVerdict {
  if (passed.kind === 'greeted') return { ...passed, result, ...(hello && { hello }) };
  upstream.close();
  client.close(passed.kind === 'other-host' ? encodeAlert('access_denied') : undefined);
  throw explainNotFollowed(passed, passed.second ?? hello);
}

function explainNotFollowed(
  passed: Exclude<GreetResult, { kind: 'greeted' }>,
  hello: HelloFacts | undefined,
): TunnelError {
  const context = hello && { hello };
  switch (passed.kind) {
    case 'other-host':
      return new TunnelError('sni_mismatch', explainSecond(passed.why), context);
    case 'timed-out':
      return new TunnelError('handshake_timeout', 'No second ClientHello came through the tunnel in time.', context);
    case 'left':
      return new TunnelError('client_closed', 'The client left before it sent its second ClientHello.', context);
  }
}

function explainSecond(why: string | undefined): string {
  return `The ClientHello that follows a HelloRetryRequest ${why ?? 'names another host than the first'}.`;
}

function refuseEch(
  { client, upstream }: Pick<UnverifiedTunnel, 'client' | 'upstream'>,
  hello: HelloFacts | undefined,
  which: string,
  { deniesEch }: SniCheckTools,
): void {
  if (!deniesEch || !hello?.ech) return;
  upstream.close();
  client.close(encodeAlert('access_denied'));
  throw new TunnelError('ech', `${which} has an encrypted_client_hello extension.`, { hello });
}

async function watchHello(tunnel: UnverifiedTunnel, readHello: ReadHello): Promise<SniVerdict> {
  const { client, upstream, limits } = tunnel;
  let bytes = tunnel.clientBytes;
  for (;;) {
    const deadline = Math.min(performance.now() + TICK_MS, limits.deadline);
    const inside = await readHello(client, { ...limits, deadline }, bytes);
    bytes = inside.bytes;
    if (inside.found.kind !== 'timed-out') return judgeHello(inside, tunnel);

    const spoken = await upstream.read(limits.prereadLimitBytes, performance.now());
    const upstreamBytes = typeof spoken === 'string' ? undefined : spoken;
    if (upstreamBytes || spoken === 'end' || spoken === 'reset' || performance.now() >= limits.deadline) {
      return { ...judgeHello(inside, tunnel), ...(upstreamBytes && { upstreamBytes }) };
    }
  }
}

/** Compares what was read with the host that CONNECT named. */
export function judgeHello(
  { found, bytes }: HelloInside,
  { destination }: Pick<UnverifiedTunnel, 'destination'>,
): SniVerdict {
  if (found.kind !== 'hello') return { result: 'not_tls', clientBytes: bytes };
  const { hello, endsAt } = found;
  return { result: compare(hello, destination), hello, helloEndsAt: endsAt, clientBytes: bytes };
}

/**
 * An address is not a name: for it, a hello without a name is right (RFC 6066 §3), and so is one with that very address in the name's
 * place.
 */
function compare({ sni, literal }: HelloFacts, destination: Destination): SniResult {
  if (sni !== undefined) return destination.kind === 'name' && destination.host === sni ? 'match' : 'mismatch';
  if (destination.kind === 'name') return 'absent';
  return literal === undefined || literal === destination.host ? 'match' : 'mismatch';
}

function speaksTls({ found }: HelloInside): boolean {
  return found.kind === 'hello' || found.kind === 'malformed' || found.kind === 'too-large';
}

function explain({ found }: HelloInside, { result, hello }: SniVerdict): TunnelError {
  if (found.kind === 'left') return new TunnelError('client_closed', 'The client left before it sent a ClientHello.');
  if (found.kind === 'timed-out') {
    return new TunnelError('handshake_timeout', 'No whole ClientHello came through the tunnel in time.');
  }
  return new TunnelError('sni_mismatch', explainUnread(found) ?? MISMATCHES[result], hello && { hello });
}

/** The fault of TLS bytes that could not be read; undefined for what is not TLS. */
function explainUnread(found: HelloInside['found']): string | undefined {
  if (found.kind === 'malformed') return `The ClientHello in the tunnel is malformed: ${found.why}.`;
  return found.kind === 'too-large' ? 'The ClientHello in the tunnel is larger than handshake_bytes.' : undefined;
}

const MISMATCHES: Readonly<Record<SniResult, string>> = {
  match: 'The ClientHello names the host that CONNECT named.',
  mismatch: 'The ClientHello in the tunnel names another host than CONNECT did.',
  absent: 'The ClientHello in the tunnel names no host.',
  not_tls: 'What came through the tunnel is not TLS.',
};
