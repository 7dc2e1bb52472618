/** Counts what was allowed and denied by host, rule, user and client, with the rule that would allow each denied destination. */
import type { Ip } from '@sallyport/addresses';
import { DEFAULT_NAME } from '@sallyport/config';
import { formsOf, specialForms } from '../address-rules/special-forms.ts';
import { destinationText } from '../destination.ts';
import type { LogEntry } from './access-log.ts';
import { asComment } from './sighting-text.ts';

/** How often one thing was allowed and denied. `reported` of the allowed ones would have been denied without `report_only`. */
export interface Count {
  readonly name: string;
  readonly allowed: number;
  readonly reported: number;
  readonly denied: number;
}

/** A destination that was denied, or would have been. */
export interface DeniedDestination {
  readonly host: string;
  readonly port: number;
  readonly count: number;
  /** The rule of the latest denial, as it was or would have been; `default` where no rule matched. */
  readonly rule: string;
  readonly reason: string;
  /** The latest one. */
  readonly client: string;
  /** The YAML that would allow it. */
  readonly yaml: string;
}

export interface Summary {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly allowed: number;
  readonly reported: number;
  readonly denied: number;
  /** Each list with the most frequent first. */
  readonly hosts: readonly Count[];
  readonly rules: readonly Count[];
  readonly users: readonly Count[];
  readonly clients: readonly Count[];
  readonly deniedDestinations: readonly DeniedDestination[];
}

/** What was denied, and by which rule. */
type Denied = Pick<LogEntry, 'host' | 'ip' | 'port' | 'reason' | 'rule'>;

type Tally = Map<string, { allowed: number; reported: number; denied: number }>;

interface Denial {
  readonly entry: LogEntry;
  count: number;
}

export class Summariser {
  readonly #hosts: Tally = new Map();
  readonly #rules: Tally = new Map();
  readonly #users: Tally = new Map();
  readonly #clients: Tally = new Map();
  readonly #denials = new Map<string, Denial>();
  #fromMs = Infinity;
  #toMs = -Infinity;

  note(entry: LogEntry): void {
    const { decision, timeMs } = entry;
    count(this.#hosts, destinationText(entry), decision);
    count(this.#rules, entry.rule, decision);
    count(this.#clients, entry.client, decision);
    if (entry.user !== undefined) count(this.#users, entry.user, decision);
    if (decision !== 'allow') this.#deny(entry);
    if (timeMs === undefined) return;
    this.#fromMs = Math.min(this.#fromMs, timeMs);
    this.#toMs = Math.max(this.#toMs, timeMs);
  }

  summary(): Summary {
    const rules = sorted(this.#rules);
    return {
      from: timeText(this.#fromMs),
      to: timeText(this.#toMs),
      allowed: total(rules, 'allowed'),
      reported: total(rules, 'reported'),
      denied: total(rules, 'denied'),
      hosts: sorted(this.#hosts),
      rules,
      users: sorted(this.#users),
      clients: sorted(this.#clients),
      deniedDestinations: [...this.#denials.values()].sort((a, b) => b.count - a.count).map(describeDenial),
    };
  }

  #deny(entry: LogEntry): void {
    const key = destinationText(entry);
    this.#denials.set(key, { entry, count: (this.#denials.get(key)?.count ?? 0) + 1 });
  }
}

/**
 * The rule that would allow a destination, as one line of YAML. It has to stand above a rule that denies. An address for special use needs
 * an exception too, unless `deny` is changed.
 */
function allowingRule({ host, ip, port, rule }: Denied): string {
  const special = ip ? specialForms(ip) : [];
  const notes = [
    ...(rule === DEFAULT_NAME ? [] : [`above the rule ${asComment(rule)}`]),
    ...(special.length > 0 ? [`and ${exceptionFor(special)}`] : []),
  ];
  const comment = notes.length > 0 ? ` # ${notes.join('; ')}` : '';
  return `- { action: allow, ${ip ? 'networks' : 'hosts'}: [${JSON.stringify(host)}], ports: [${port}] }${comment}`;
}

function exceptionFor(forms: readonly Ip[]): string {
  return `policy.destinations.allow: [${forms.map(({ text }) => JSON.stringify(text)).join(', ')}]`;
}

/** What refused a public address is not known here: it may have been either form. */
function exceptionForRefused(ip: Ip): string {
  const special = specialForms(ip);
  return exceptionFor(special.length > 0 ? special : formsOf(ip));
}

function describeDenial({ entry, count: times }: Denial): DeniedDestination {
  const { host, port, rule, reason, client } = entry;
  return { host, port, count: times, rule, reason, client, yaml: remedyOf(entry) };
}

/** The YAML that would allow a destination that was denied for this reason. No rule can allow what `destinations` refuses, or a loop. */
export function remedyOf(entry: Denied): string {
  switch (entry.reason) {
    case 'address':
      return entry.ip ? exceptionForRefused(entry.ip) : 'policy.destinations.allow: [its network]';
    case 'loop':
      return '# it leads back to Sallyport itself, which nothing allows';
    default:
      return allowingRule(entry);
  }
}

function count(tally: Tally, name: string, decision: LogEntry['decision']): void {
  const counts = tally.get(name) ?? { allowed: 0, reported: 0, denied: 0 };
  tally.set(name, counts);
  if (decision === 'deny') counts.denied++;
  else counts.allowed++;
  if (decision === 'report') counts.reported++;
}

function sorted(tally: Tally): readonly Count[] {
  return [...tally]
    .map(([name, counts]) => ({ name, ...counts }))
    .sort((a, b) => b.allowed + b.denied - (a.allowed + a.denied) || (a.name < b.name ? -1 : 1));
}

function total(counts: readonly Count[], of: 'allowed' | 'reported' | 'denied'): number {
  return counts.reduce((sum, each) => sum + each[of], 0);
}

function timeText(timeMs: number): string | undefined {
  return Number.isFinite(timeMs) ? new Date(timeMs).toISOString() : undefined;
}
