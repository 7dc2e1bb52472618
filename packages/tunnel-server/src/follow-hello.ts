/** Sends a hello up, and requires of a second one, after a HelloRetryRequest, that it names the same host. For both doors. */
import { refusalAlert } from './alert-record.ts';
import type { HelloFacts } from './hello-facts.ts';
import { TunnelError } from './reasons.ts';
import { type GreetedTunnel, type GreetResult, passSecondHello } from './second-hello.ts';
import { NOTHING } from './second-hello-records.ts';
import { refuseEch, type SniCheckTools, type SniVerdict, type UnverifiedTunnel } from './sni-check.ts';

/** A tunnel whose destination was decided by its hello, `clientBytes`. */
export interface DecidedByHello extends Omit<UnverifiedTunnel, 'destination'> {
  readonly hello: HelloFacts;
  /** The hello was sent up. */
  readonly isHelloSent: boolean;
}

/**
 * Sends the hello up, unless it was sent, and requires that a second one names the same host. Throws `sni_mismatch`, `ech`,
 * `handshake_timeout` or, where one of the two left when a second hello was due, `client_closed`, `upstream_closed` or `upstream_reset`;
 * both legs are closed then.
 */
export async function followDecided(tunnel: DecidedByHello, tools: SniCheckTools): Promise<SniVerdict> {
  const { upstream, hello, clientBytes: helloBytes, isHelloSent, onRelayed } = tunnel;
  if (!isHelloSent) upstream.write(helloBytes);
  onRelayed(helloBytes.length, 0);
  const followed = { ...tunnel, clientBytes: NOTHING, isStrict: false };
  return requireGreeted(await followHello(followed, hello, tools), tunnel, { result: 'match', hello });
}

type Followed = Omit<UnverifiedTunnel, 'destination'> & Pick<GreetedTunnel, 'isStrict'>;

/** Sends the hello up, and goes on once no other one can follow it. */
export async function requireSameHost(
  tunnel: Followed,
  verdict: SniVerdict,
  tools: SniCheckTools,
): Promise<SniVerdict> {
  const passed = await sendHello(tunnel, verdict, tools);
  return passed ? requireGreeted(passed, tunnel, verdict) : verdict;
}

/**
 * Undefined, with nothing sent, where there was no hello. Only TLS 1.3 has a HelloRetryRequest, but the server decides whether a hello
 * offers it: readers differ in what two lists of versions, or a draft's, mean.
 */
export async function sendHello(
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
  const { quietTimeoutMs, readHello } = tools;
  const passed = await passSecondHello(
    { client, upstream, hello, clientBytes, limits, quietTimeoutMs, isStrict, onRelayed },
    readHello,
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
  const error = explainNotFollowed(passed, passed.second ?? hello);
  upstream.close();
  if (passed.kind === 'upstream-reset') client.reset();
  else client.close(refusalAlert(error.reason));
  throw error;
}

function explainNotFollowed(
  passed: Exclude<GreetResult, { kind: 'greeted' }>,
  hello: HelloFacts | undefined,
): TunnelError {
  const context = hello ? { hello } : {};
  switch (passed.kind) {
    case 'other-host':
      return new TunnelError('sni_mismatch', explainSecond(passed.why), context);
    case 'unanswered':
      return new TunnelError('handshake_timeout', 'The destination did not answer the ClientHello in time.', {
        ...context,
        outcome: 'failed',
      });
    case 'timed-out':
      return new TunnelError('handshake_timeout', 'No second ClientHello came through the tunnel in time.', context);
    case 'left':
      return new TunnelError('client_closed', 'The client left before it sent its second ClientHello.', context);
    case 'upstream-closed':
    case 'upstream-reset': {
      const reason = passed.kind === 'upstream-reset' ? 'upstream_reset' : 'upstream_closed';
      return new TunnelError(reason, 'The destination left when it had asked for a second ClientHello.', context);
    }
  }
}

/** Why a second hello ends its tunnel, for the client and the log. */
export function explainSecond(why: string | undefined): string {
  return `The ClientHello that follows a HelloRetryRequest ${why ?? 'names another host than the first'}.`;
}
