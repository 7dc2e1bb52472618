/** Finds what a new configuration decides differently from an old one, for its tests and for the destinations of an access log. */
import { type Ip, parseIp } from '@sallyport/addresses';
import { isDirect } from '@sallyport/config';
import {
  decide,
  deciderText,
  destinationText,
  type Judgement,
  judgeRequest,
  type LogEntry,
  parseDestination,
  type PolicyRequest,
  requestOf,
} from '@sallyport/policy';
import { parseAuthority } from '@sallyport/tunnel-server';
import { chooseEgress } from './explain-egress.ts';
import { readLogs } from './log-files.ts';
import type { Settings } from './settings.ts';

/** Two configurations, the one in use and the one that is to replace it. */
export interface Compared {
  readonly before: Settings;
  readonly after: Settings;
}

/** A line for each test of the new file, and for each request of the logs, that is decided differently. */
export async function compareSettings(compared: Compared, logs: readonly string[]): Promise<readonly string[]> {
  return [...compareTests(compared), ...(await compareLogs(compared, logs))];
}

function compareTests(compared: Compared): readonly string[] {
  const { config } = compared.after;
  return config.tests.flatMap((test, number) => {
    const request = requestOf(test, config.listeners[0]?.name ?? '');
    return typeof request === 'string'
      ? []
      : compareRequest(compared, { request, addresses: [], origin: ` (tests[${number}])` });
  });
}

/** A request of the logs, how often it was made, and which addresses of its name were dialled. */
interface Logged {
  readonly entry: LogEntry;
  readonly dialled: Set<string>;
  count: number;
}

async function compareLogs(compared: Compared, logs: readonly string[]): Promise<readonly string[]> {
  if (logs.length === 0) return [];
  const requests = new Map<string, Logged>();
  await readLogs(logs, (entry) => {
    const { client, user = '', listener, host, port } = entry;
    const key = [client, user, listener, host, port].join(' ');
    const known = requests.get(key) ?? { entry, dialled: new Set(), count: 0 };
    requests.set(key, known);
    known.count += 1;
    if (isDirect(entry.egress, compared.before.config.egress)) known.dialled.add(entry.upstream);
  });
  return [...requests.values()].flatMap(({ entry, dialled, count }) => {
    const request = loggedRequest(entry);
    const addresses = [...dialled].flatMap((upstream) => addressOf(upstream) ?? []);
    return request ? compareRequest(compared, { request, addresses, origin: ` (${count} in the log)` }) : [];
  });
}

function addressOf(upstream: string): Ip | undefined {
  const destination = parseAuthority(upstream);
  return destination.kind === 'address' ? destination.ip : undefined;
}

function loggedRequest({ client, user, listener, host, ip, port }: LogEntry): PolicyRequest | undefined {
  const clientIp = parseIp(client);
  const destination = ip ? { kind: 'address' as const, host: ip.text, ip, port } : parseDestination(host, port);
  if (!clientIp || destination.kind === 'malformed') return undefined;
  return { client: clientIp, listener, user, destination };
}

interface Asked {
  readonly request: PolicyRequest;
  /** Known addresses of its name. */
  readonly addresses: readonly Ip[];
  /** Where the request comes from, for the end of a line. */
  readonly origin: string;
}

function compareRequest({ before, after }: Compared, asked: Asked): readonly string[] {
  const { request, origin } = asked;
  const was = judge(before, asked);
  const is = judge(after, asked);
  if (was.verdict === is.verdict) return [];
  const { client, user, listener, destination } = request;
  const who = user === undefined ? client.text : `${client.text}, user ${user},`;
  return [
    `${destinationText(destination)} for ${who} at ${listener}: ${verdictText(was)}, now ${verdictText(is)}${origin}`,
  ];
}

/** The addresses of a name are not judged where it is left to a parent. */
function judge({ config, policy }: Settings, { request, addresses }: Asked): Judgement {
  const isSeen =
    addresses.length > 0 && !chooseEgress(config, decide(policy, request), request.destination).resolvesNames;
  return judgeRequest(policy, request, isSeen ? addresses : []);
}

function verdictText({ verdict, by, rule }: Judgement): string {
  if (by === 'destinations') return `${verdict} by policy.destinations`;
  return `${verdict} by ${deciderText(rule)}`;
}
