/** The step that resolves the destination of an intercepted client. It takes the address that the client dialled into account. */
import { type Ip, parseIp } from '@sallyport/addresses';
import type { OwnAddresses } from '@sallyport/policy';
import type { Confirmation, Resolver } from '@sallyport/resolver';
import type { SniCheckResult } from '@sallyport/telemetry';
import type { Leg } from '@sallyport/tunnel-splice';
import { NAME_LOOKED_UP, unlessGone } from './abandon.ts';
import type { Identified } from './frontend.ts';
import { TunnelError } from './reasons.ts';
import { nameClientKey, resolveDestination, type Resolved } from './resolve-destination.ts';

/** The keys of an intercepting listener, as the configuration spells them. */
export interface InterceptionSettings {
  /** Which addresses to dial: those that the name has now, or the one that the client chose. */
  readonly dial: 'sni' | 'original';
  /** Must the name resolve to the address that the client chose? */
  readonly verify_sni: 'off' | 'report' | 'enforce';
}

/** What the step asks, and whom it tells. */
export interface InterceptionTools {
  readonly resolver: Resolver;
  /** Our own listening addresses. */
  readonly own: OwnAddresses;
  /** Told of every check of a name that came to a result. */
  readonly onResult: (result: SniCheckResult) => void;
  /** Takes a sentence for the log on a fault that does not end the tunnel. */
  readonly onRemark: (sentence: string) => void;
}

type Choice = Pick<Identified, 'destination' | 'hello' | 'original'>;

/**
 * The addresses to dial. Throws a TunnelError: `loop` where the client was going to us and nowhere else, `sni_mismatch`, `dns`,
 * `dns_timeout`, `overload` or `client_closed`.
 */
export async function resolveIntercepted(
  choice: Choice,
  client: Leg,
  settings: InterceptionSettings,
  tools: InterceptionTools,
): Promise<Resolved> {
  const chosen = await judgeIntercepted(choice, client, settings, tools);
  return chosen ?? resolveDestination(tools.resolver, choice.destination, client);
}

/**
 * The addresses to dial, where the client's own choice decides; undefined where the name decides. Throws as {@link resolveIntercepted}
 * does.
 */
export async function judgeIntercepted(
  choice: Choice,
  client: Leg,
  settings: InterceptionSettings,
  tools: InterceptionTools,
): Promise<Resolved | undefined> {
  refuseDirectClient(client, tools.own);
  const original = choice.original && parseIp(choice.original.host);
  if (choice.hello && settings.verify_sni !== 'off') await verifyName(choice, { client, original }, settings, tools);
  return original && settings.dial === 'original' ? { kind: 'addresses', addresses: [original] } : undefined;
}

/** The client was not intercepted: it dialled this door's own address, and a tunnel there would lead back here. */
function refuseDirectClient({ original }: Leg, own: OwnAddresses): void {
  const ip = original && parseIp(original.host);
  if (!ip || !own.includes(ip, original.port)) return;
  throw new TunnelError('loop', 'The client came to this door directly, and it serves only intercepted connections.');
}

interface Intercepted {
  readonly client: Leg;
  /** The destination that was derived from it is compared with it. A destination of `without_sni` was not derived. */
  readonly original: Ip | undefined;
}

async function verifyName(
  { destination, hello }: Choice,
  { client, original }: Intercepted,
  { verify_sni }: InterceptionSettings,
  { resolver, onResult, onRemark }: InterceptionTools,
): Promise<void> {
  // There is no name to compare: `without_sni` has let the client pass.
  if (hello?.sni === undefined || destination.kind === 'address' || original === undefined) {
    onResult('absent');
    return;
  }
  const { host } = destination;
  const asked = resolver.confirm(host, original, nameClientKey(client));
  const confirmation = await unlessGone(client, asked, NAME_LOOKED_UP);
  const result = resultOf(confirmation);
  if (result !== undefined) onResult(result);
  if (confirmation.kind === 'confirmed') return;
  const error =
    confirmation.kind === 'failed'
      ? new TunnelError(confirmation.reason, `${host} does not resolve: ${confirmation.detail}.`, {
          rcode: confirmation.rcode,
        })
      : new TunnelError('sni_mismatch', `${host} does not resolve to ${original.text}, where the client was going.`);
  if (verify_sni === 'enforce') throw error;
  onRemark(error.message);
}

/** Undefined where the name servers have failed: no client has done anything wrong then. */
function resultOf(confirmation: Confirmation): SniCheckResult | undefined {
  if (confirmation.kind !== 'failed') return confirmation.kind === 'confirmed' ? 'match' : 'mismatch';
  return confirmation.rcode === 'NXDOMAIN' || confirmation.rcode === 'NOERROR' ? 'mismatch' : undefined;
}
