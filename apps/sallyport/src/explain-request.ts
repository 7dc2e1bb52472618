/** Takes one request through the steps of a tunnel up to the dial, without dialling. For `sallyport explain` and the status page. */
import type { Ip } from '@sallyport/addresses';
import type { ListenerConfig } from '@sallyport/config';
import {
  type AddressGuards,
  type DecidedRequest,
  type Destination,
  explain,
  judgeDial,
  knowsItsClients,
  permitAddresses,
  type Policy,
  type PolicyRequest,
  wordAddressRefusal,
  wordDenial,
} from '@sallyport/policy';
import type { Resolver } from '@sallyport/resolver';
import { type Resolved, resolveDestination, TunnelError } from '@sallyport/tunnel-server';
import { chooseEgress } from './explain-egress.ts';
import type { Dialling, Findings, Refusal } from './explanation.ts';
import type { Settings } from './settings.ts';

/** What is asked as a door asks it. */
export interface ExplainTools {
  readonly resolver: Resolver;
  readonly own: AddressGuards['own'];
  /** How the listener was chosen: `the only one`. */
  readonly listenerChoice: string;
}

/**
 * The listener that a question is about, and how it was chosen.
 * @param names of all listeners, in the order of the file
 * @param asked one of them, if any
 * @param option by which it can be asked for
 */
export function chooseListener(
  names: readonly string[],
  asked: string | undefined,
  option: string,
): { readonly listener: string; readonly listenerChoice: string } {
  if (asked !== undefined) return { listener: asked, listenerChoice: 'as asked' };
  const listenerChoice = names.length === 1 ? 'the only one' : `the first one, as ${option} is left out`;
  return { listener: names[0] ?? '', listenerChoice };
}

/** Never rejects for a request that is denied: that is a finding. */
export async function explainRequest(
  { config, policy }: Pick<Settings, 'config' | 'policy'>,
  request: PolicyRequest,
  { resolver, own, listenerChoice }: ExplainTools,
): Promise<Findings> {
  const explanation = explain(policy, config.policy, request);
  const decided = { request, decision: explanation.decision, id: '{id}' };
  const isDenied = explanation.decision.decision === 'deny';
  const egress = chooseEgress(config, explanation.decision, request.destination);
  const guards = { rules: policy.destinations, own };
  const findDialling = (): Promise<Dialling> => findAddresses(policy, decided, { guards, resolver });
  const dialling = isDenied ? undefined : egress.resolvesNames ? { addresses: [] } : await findDialling();
  const refusal = isDenied ? { reason: 'policy', words: wordDenial(policy, decided) } : dialling?.refusal;
  const listener = config.listeners.find(({ name }) => name === request.listener);
  const isUserAsked = listener !== undefined && knowsItsClients(listener);
  const unjudged = listener ? findUnjudged(listener) : [];
  const found = { request, listenerChoice, isUserAsked, unjudged, explanation, egress };
  return { ...found, ...(dialling && { dialling }), ...(refusal && { refusal }) };
}

/** What a door checks besides: it takes a connection, and not a request alone. */
function findUnjudged(listener: ListenerConfig): readonly string[] {
  const { proxy_protocol, verify_sni, ech } = listener;
  const { auth, tls } = listener.mode === 'connect' ? listener : {};
  const keys: readonly (string | false)[] = [
    'limits',
    proxy_protocol !== undefined && 'proxy_protocol',
    auth !== undefined && 'auth',
    tls?.client_ca !== undefined && 'tls.client_ca',
    verify_sni !== 'off' && 'verify_sni',
    ech !== 'allow' && 'ech',
  ];
  return keys.filter((key) => key !== false);
}

interface Searching {
  readonly guards: AddressGuards;
  readonly resolver: Resolver;
}

async function findAddresses(policy: Policy, decided: DecidedRequest, searching: Searching): Promise<Dialling> {
  const { guards, resolver } = searching;
  const { destination } = decided.request;
  let addresses: Dialling['addresses'] = [];
  try {
    const resolved = await resolveWhole(resolver, destination);
    addresses = resolved.addresses.map((ip: Ip) => ({ ip, verdict: judgeDial(ip, destination.port, guards) }));
    const verdict = permitAddresses(resolved.addresses, destination, guards);
    const told = { addresses, ...(resolved.rest && { unknown: FAMILIES[resolved.rest.missing] }) };
    if (verdict.kind === 'permitted') return told;
    const { reason } = verdict;
    const words = reason === 'loop' ? { ...verdict, isVerbatim: false } : wordAddressRefusal(policy, decided, verdict);
    return { ...told, refusal: { reason, words } };
  } catch (cause) {
    if (!(cause instanceof TunnelError)) throw cause;
    return { addresses, refusal: { reason: cause.reason, words: wordsOf(cause) } };
  }
}

const FAMILIES = { A: 'IPv4', AAAA: 'IPv6' } as const;

/** A tunnel begins to dial with half an answer, and queries the rest before it fails. Here the whole answer is awaited. */
async function resolveWhole(resolver: Resolver, destination: Destination): Promise<Resolved> {
  const resolved = await resolveDestination(resolver, destination, STAYS);
  const whole = await resolved.rest?.ask(STAYS.remote.host).done;
  return whole?.kind === 'addresses' ? whole : resolved;
}

function wordsOf({ message: sentence, detail, isVerbatim }: TunnelError): Refusal['words'] {
  return { sentence, detail, isVerbatim };
}

/** A client that never leaves. */
const STAYS = { whenGone: () => () => undefined, remote: { host: '::', port: 0 } };
