/** Reads the decision from one line of the access log. */
import { type Ip, parseIp } from '@sallyport/addresses';
import { parseDestination } from '../destination.ts';

/** A tunnel or a request that the policy was asked about. */
export interface LogEntry {
  /** A canonical name, or an IP literal. */
  readonly host: string;
  /** Where `host` is a literal. */
  readonly ip: Ip | undefined;
  readonly port: number;
  readonly client: string;
  readonly listener: string;
  readonly user: string | undefined;
  /** The rule that decided; `default` where none did. */
  readonly rule: string;
  /** `report`: it would have been denied. */
  readonly decision: 'allow' | 'deny' | 'report';
  readonly reason: string;
  /** When it ended, in milliseconds since 1970; undefined where the line has no time. */
  readonly timeMs: number | undefined;
}

/**
 * Reads one line. Undefined for what is no line about a tunnel, and for tunnels that ended before the policy was asked: their client
 * had not said well enough where to, or not proved who it was.
 */
export function readLogLine(line: string): LogEntry | undefined {
  // Most lines are about tunnels; messages of other kinds are not worth the parsing.
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
    rule: textOf(fields['rule']),
    decision,
    reason: textOf(fields['reason']),
    timeMs: Number.isNaN(time) ? undefined : time,
  };
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined; // The last line of a log that is still written, or another program's words.
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
