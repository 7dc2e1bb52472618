import { type Ip, parseIp } from '@sallyport/addresses';
import type { Config } from '@sallyport/config';
import {
  type AddressGuards,
  type DecidedRequest,
  type Destination,
  explain,
  judgeDial,
  parseDestination,
  permitAddresses,
  type Policy,
  type PolicyRequest,
  wordAddressRefusal,
  wordDenial,
} from '@sallyport/policy';
import { Resolver } from '@sallyport/resolver';
import {
  ownAddresses,
  parseAuthorityForm,
  type Resolved,
  resolveDestination,
  TunnelError,
} from '@sallyport/tunnel-server';
import { CONFIG_OPTION, type Command, type OptionValues } from '../command-line.ts';
import { EXIT, type ExitCode, FatalError } from '../exit.ts';
import { type Dialling, findingsText, type Refusal } from '../explanation.ts';
import { chooseEgress, type EgressChoice } from '../explain-egress.ts';
import { readSettings } from '../settings.ts';

export const explainCommand: Command = {
  name: 'explain',
  summary: 'Says whether a client may reach a destination, and why: the rule, the egress, the addresses.',
  details: `Asks the policy and the resolver as the proxy would; nothing is dialled. Limits and passwords are not asked.
Exits 0 if it is allowed, 3 if it is denied or has no address that may be dialled, 2 if the question or the
configuration is wrong.`,
  options: {
    config: CONFIG_OPTION,
    client: { value: 'IP', about: "the client's address", isRequired: true },
    to: { value: 'HOST:PORT', about: 'the destination, as in CONNECT', isRequired: true },
    listener: { value: 'NAME', about: 'the door the client comes to; left out: the first one', isRequired: false },
    user: { value: 'U', about: 'who the client proved to be; left out: nobody', isRequired: false },
  },
  execute: explainRequest,
};

/** The steps are those of a tunnel's life, up to the dial. */
async function explainRequest(options: OptionValues): Promise<ExitCode> {
  const { config: file = '' } = options;
  const result = readSettings(file, process.env);
  if (result.kind === 'invalid') {
    process.stderr.write(result.problems.map((line) => `${line}\n`).join(''));
    return EXIT.usage;
  }
  const { config, policy } = result.settings;
  const { listener, listenerChoice } = chooseListener(config, options['listener']);
  const request = readRequest(options, listener);
  const explanation = explain(policy, config.policy, request);
  const decided = { request, decision: explanation.decision, id: '{id}' };
  const guards = {
    rules: policy.destinations,
    own: ownAddresses(listeningAddresses(config), { elsewhere: config.own_addresses }),
  };
  const isDenied = explanation.decision.decision === 'deny';
  const egress = chooseEgress(config, explanation.decision, request.destination);
  const dialling = isDenied ? undefined : await findAddresses(config, policy, decided, { guards, egress });
  const refusal = isDenied ? { reason: 'policy', words: wordDenial(policy, decided) } : dialling?.refusal;
  const found = { ...(dialling && { dialling }), ...(refusal && { refusal }) };
  process.stdout.write(findingsText({ request, listenerChoice, explanation, egress, ...found }));
  return refusal ? EXIT.denied : EXIT.ok;
}

function chooseListener({ listeners }: Config, name: string | undefined): { listener: string; listenerChoice: string } {
  const names = listeners.map((listener) => listener.name);
  if (name !== undefined && !names.includes(name)) {
    throw wrong(`no listener is named "${name}"; there are ${names.join(', ')}`);
  }
  const listenerChoice = names.length === 1 ? 'the only one' : 'the first one, as --listener is left out';
  return { listener: name ?? names[0] ?? '', listenerChoice: name === undefined ? listenerChoice : 'as asked' };
}

function readRequest({ client = '', to = '', user }: OptionValues, listener: string): PolicyRequest {
  const ip = parseIp(client);
  if (!ip) throw wrong(`--client ${JSON.stringify(client)} is no IP address; write it in full, without brackets`);
  return { client: ip, listener, destination: readDestination(to), ...(user !== undefined && { user }) };
}

/** Held to the same form as the target of a CONNECT. */
function readDestination(to: string): Destination {
  const authority = parseAuthorityForm(to);
  const destination = authority.kind === 'authority' ? parseDestination(authority.host, authority.port) : authority;
  if (destination.kind !== 'malformed') return destination;
  throw wrong(`--to ${JSON.stringify(to)} is no HOST:PORT: ${destination.why}`);
}

/** Those in the configuration: which port a bind to port 0 gets is not known before it is bound. */
function listeningAddresses({ listeners, admin }: Config): readonly { host: string; port: number }[] {
  const known = listeners.flatMap(({ bind }) => bind).filter((bind) => 'host' in bind);
  const own = 'host' in admin.bind ? [...known, admin.bind] : known;
  return own.filter(({ port }) => port !== 0);
}

interface Leaving {
  readonly guards: AddressGuards;
  readonly egress: EgressChoice;
}

async function findAddresses(
  { dns }: Config,
  policy: Policy,
  decided: DecidedRequest,
  { guards, egress }: Leaving,
): Promise<Dialling> {
  if (egress.resolvesNames) return { addresses: [] };
  const { destination } = decided.request;
  const resolver = new Resolver(dns);
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
  } finally {
    resolver.close();
  }
}

const FAMILIES = { A: 'IPv4', AAAA: 'IPv6' } as const;

/** With half an answer a tunnel begins to dial, and asks for the rest before it fails: here all of it is asked for. */
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

function wrong(what: string): FatalError {
  return new FatalError(`${what} (see sallyport explain --help)`, EXIT.usage);
}
