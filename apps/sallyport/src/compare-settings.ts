/** Finds what a new configuration decides differently from an old one, for its tests and for the destinations of an access log. */
import { parseIp } from '@sallyport/addresses';
import {
  destinationText,
  type Judgement,
  judgeRequest,
  type LogEntry,
  parseDestination,
  type PolicyRequest,
  requestOf,
} from '@sallyport/policy';
import { readLogs } from './log-files.ts';
import type { Settings } from './settings.ts';

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
    return typeof request === 'string' ? [] : compareRequest(compared, request, ` (tests[${number}])`);
  });
}

/** A request of the logs, and how often it was made. */
interface Logged {
  readonly entry: LogEntry;
  count: number;
}

async function compareLogs(compared: Compared, logs: readonly string[]): Promise<readonly string[]> {
  if (logs.length === 0) return [];
  const requests = new Map<string, Logged>();
  await readLogs(logs, (entry) => {
    const { client, user = '', listener, host, port } = entry;
    const key = [client, user, listener, host, port].join(' ');
    const known = requests.get(key);
    if (known) known.count += 1;
    else requests.set(key, { entry, count: 1 });
  });
  return [...requests.values()].flatMap(({ entry, count }) => {
    const request = loggedRequest(entry);
    return request ? compareRequest(compared, request, ` (${count} in the log)`) : [];
  });
}

function loggedRequest({ client, user, listener, host, ip, port }: LogEntry): PolicyRequest | undefined {
  const clientIp = parseIp(client);
  const destination = ip ? { kind: 'address' as const, host: ip.text, ip, port } : parseDestination(host, port);
  if (!clientIp || destination.kind === 'malformed') return undefined;
  return { client: clientIp, listener, user, destination };
}

function compareRequest({ before, after }: Compared, request: PolicyRequest, origin: string): readonly string[] {
  const was = judgeRequest(before.policy, request);
  const is = judgeRequest(after.policy, request);
  if (was.verdict === is.verdict) return [];
  const { client, user, listener, destination } = request;
  const who = user === undefined ? client.text : `${client.text}, user ${user},`;
  return [
    `${destinationText(destination)} for ${who} at ${listener}: ${verdictText(was)}, now ${verdictText(is)}${origin}`,
  ];
}

function verdictText({ verdict, rule }: Judgement): string {
  return `${verdict} by ${rule === 'default' ? 'the default' : `rule ${rule}`}`;
}
