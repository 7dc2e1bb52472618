/** Reads the decision from one line of the access log. */
import { type Ip, parseIp } from '@sallyport/addresses';
import { parseDestination } from '../destination.ts';

/** A tunnel or a request that the policy decided. */
export interface LogEntry {
  /** A canonical name, or an IP literal. */
  readonly host: string;
  /** Where `host` is a literal. */
  readonly ip: Ip | undefined;
  readonly port: number;
  readonly client: string;
  readonly listener: string;
  readonly user: string | undefined;
  /** The rule that decided, or that would have denied it without `report_only`; `default` where none did. */
  readonly rule: string;
  /** `report`: it would have been denied. */
  readonly decision: 'allow' | 'deny' | 'report';
  /** Why it was refused, or would have been; else how it ended. */
  readonly reason: string;
  /** The egress that was chosen, and the address that was dialled, with its port; empty where there is none. */
  readonly egress: string;
  readonly upstream: string;
  /** When it ended, in milliseconds since 1970; undefined where the line has no time. */
  readonly timeMs: number | undefined;
}

/**
 * Reads one line. Undefined for a line that is not about a tunnel, and for a tunnel that ended before the policy decided: without a valid
 * destination or login.
 */
export function readLogLine(line: string): LogEntry | undefined {
  // Most lines are about tunnels. Other messages need not be parsed.
  if (!line.includes('"tunnel"')) return undefined;
  const fields = parseObject(line);
  if (fields?.['msg'] !== 'tunnel') return undefined;
  const { host, port, decision } = fields;
  if (typeof host !== 'string' || !isPort(port) || !isDecision(decision)) return undefined;
  const ip = parseIp(host);
  if (!ip && parseDestination(host, port).kind !== 'name') return undefined;
  const time = Date.parse(textOf(fields['time']));
  return {
    host: ip?.text ?? host,
    ip,
    port,
    client: textOf(fields['client']),
    listener: textOf(fields['listener']),
    user: typeof fields['user'] === 'string' ? fields['user'] : undefined,
    ...judgedBy(fields),
    decision,
    egress: textOf(fields['egress']),
    upstream: textOf(fields['upstream']),
    timeMs: Number.isNaN(time) ? undefined : time,
  };
}

/** Whether a line is of our log, whatever it tells. */
export function isLogLine(line: string): boolean {
  if (!line.includes('"seq":')) return false;
  const { msg, level, time, seq } = parseObject(line) ?? {};
  return typeof msg === 'string' && typeof level === 'string' && typeof time === 'string' && typeof seq === 'number';
}

/** What `report_only` let pass ended as any tunnel, and may have been allowed by a later rule. */
function judgedBy({ rule, would_deny: wouldDeny, decision, reason }: Fields): Pick<LogEntry, 'rule' | 'reason'> {
  if (decision === 'report') return { rule: textOf(wouldDeny ?? rule), reason: 'policy' };
  return { rule: textOf(rule), reason: textOf(reason) };
}

type Fields = Readonly<Record<string, unknown>>;

function parseObject(line: string): Fields | undefined {
  try {
    // The journal, container runtimes and collectors of syslog put words before a line, some editors a byte order mark.
    const value: unknown = JSON.parse(line.startsWith('{') ? line : line.slice(line.indexOf('{')));
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined; // The last line of a log that is still written, or a line of another program.
  }
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

function isDecision(value: unknown): value is LogEntry['decision'] {
  return value === 'allow' || value === 'deny' || value === 'report';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
