import { parseIp } from '@sallyport/addresses';
import type { Address, Config, ListenerConfig } from '@sallyport/config';
import type { Destination, PolicyRequest } from '@sallyport/policy';
import { Resolver } from '@sallyport/resolver';
import { ownAddresses, parseAuthority } from '@sallyport/tunnel-server';
import { boundAddresses, isDualStack } from '../bound-addresses.ts';
import { CONFIG_OPTION, type Command, type OptionValues } from '../command-line.ts';
import { EXIT, type ExitCode, FatalError } from '../exit.ts';
import { chooseListener, explainRequest } from '../explain-request.ts';
import { findingsText } from '../explanation.ts';
import { print, printError, toText } from '../print.ts';
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
    user: { value: 'U', about: 'the authenticated user; left out: none', isRequired: false },
  },
  execute: explain,
};

async function explain(options: OptionValues): Promise<ExitCode> {
  const { config: file = '' } = options;
  // Whoever asks may want to know why a test of the file fails.
  const result = readSettings(file, process.env, { runsTests: false });
  if (result.kind === 'invalid') {
    await printError(toText(result.problems));
    return EXIT.usage;
  }
  const { config } = result.settings;
  const names = config.listeners.map(({ name }) => name);
  const asked = options['listener'];
  if (asked !== undefined && !names.includes(asked)) {
    throw wrong(`no listener is named ${JSON.stringify(asked)}; there are ${names.join(', ')}`);
  }
  const { listener, listenerChoice } = chooseListener(names, asked, '--listener');
  const request = readRequest(options, listener);
  const own = ownAddresses(listeningAddresses(config), { elsewhere: config.own_addresses });
  const resolver = new Resolver(config.dns);
  try {
    const findings = await explainRequest(result.settings, request, { resolver, own, listenerChoice });
    await print(findingsText(findings));
    return findings.refusal ? EXIT.denied : EXIT.ok;
  } finally {
    resolver.close();
  }
}

function readRequest({ client = '', to = '', user }: OptionValues, listener: string): PolicyRequest {
  const ip = parseIp(client);
  if (!ip) throw wrong(`--client ${JSON.stringify(client)} is no IP address; write it in full, without brackets`);
  return { client: ip, listener, destination: readDestination(to), ...(user !== undefined && { user }) };
}

/** Must have the same form as the target of a CONNECT. */
function readDestination(to: string): Destination {
  const destination = parseAuthority(to);
  if (destination.kind !== 'malformed') return destination;
  const authority = authorityOf(to);
  const remedy = authority === undefined ? '' : `; write ${authority}`;
  throw wrong(`--to ${JSON.stringify(to)} is no HOST:PORT: ${destination.why}${remedy}`);
}

const PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'wss:': 443, 'http:': 80, 'ws:': 80 };

/** Where the request for a URL goes. */
function authorityOf(to: string): string | undefined {
  if (!URL.canParse(to)) return undefined;
  const { protocol, hostname, port } = new URL(to);
  const portByDefault = PORTS[protocol];
  return portByDefault === undefined ? undefined : `${hostname}:${port || portByDefault}`;
}

/** The addresses in the configuration: the real port of a bind to port 0 is not known before it is bound. */
function listeningAddresses({ listeners, admin }: Config): readonly { host: string; port: number }[] {
  const known = listeners.flatMap((listener) =>
    listener.bind.flatMap((bind) => ('host' in bind ? addressesOf(listener, bind) : [])),
  );
  const own = 'host' in admin.bind ? [...known, admin.bind] : known;
  return own.filter(({ port }) => port !== 0);
}

function addressesOf(listener: ListenerConfig, bind: Address): readonly Address[] {
  const bound = boundAddresses(listener.name, { address: bind, isDualStack: isDualStack(listener, bind) });
  return bound.map(({ address }) => address);
}

function wrong(what: string): FatalError {
  return new FatalError(`${what} (see sallyport explain --help)`, EXIT.usage);
}
