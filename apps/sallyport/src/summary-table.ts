/** The doors and the rules of a configuration, as tables for a terminal. */
import { bindText, type Config, type ListenerConfig, type RuleConfig } from '@sallyport/config';
import type { Policy } from '@sallyport/policy';
import { toText } from './print.ts';

/** The tables of doors and rules, each line with its line break. */
export function summaryTables({ listeners, policy, default_egress }: Config, { rules }: Policy): string {
  const doors = listeners.map((listener) => [
    listener.name,
    listener.mode,
    listener.bind.map(bindText).join(', '),
    optionsOf(listener).join(', '),
  ]);
  const named = policy.rules
    .slice(0, MOST_RULES)
    .map((rule, number) => [
      String(number + 1),
      rules[number]?.name ?? '',
      actionText(rule.action, policy.report_only || rule.report_only === true),
      fromOf(rule),
      toOf(rule),
      portsOf(rule),
      rule.action === 'allow' ? (rule.egress ?? default_egress).join(', ') : '',
    ]);
  const others = policy.rules.length - named.length;
  const more = others > 0 ? [['', `… and ${others} more`]] : [];
  const last = ['', 'default', actionText(policy.default, policy.report_only)];
  return toText([
    ...table([['LISTENER', 'MODE', 'ADDRESS', 'OPTIONS'], ...doors]),
    '',
    ...table([['', 'RULE', 'ACTION', 'FROM', 'TO', 'PORTS', 'EGRESS'], ...named, ...more, last]),
  ]);
}

function actionText(action: 'allow' | 'deny', isReportOnly: boolean): string {
  return action === 'deny' && isReportOnly ? 'deny (report)' : action;
}

/** Longer tables are not read to their end. */
const MOST_RULES = 100;

function table(raw: readonly (readonly string[])[]): readonly string[] {
  const rows = raw.map((row) => row.map(printable));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
}

/** A name of a user may have any characters. One that would end the line, or reverse its direction, is shown as a dot. */
function printable(cell: string): string {
  return cell.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '·');
}

/** Every option of a door that differs from its default. */
function optionsOf(listener: ListenerConfig): readonly string[] {
  const told: readonly (string | false)[] = [
    listener.mode === 'connect' &&
      listener.tls !== undefined &&
      (listener.tls.client_ca ? 'tls with client_ca' : 'tls'),
    listener.mode === 'connect' && listener.auth !== undefined && 'auth',
    listener.mode === 'sni' && listener.intercept !== 'none' && `intercept ${listener.intercept}`,
    listener.mode === 'sni' && listener.source !== 'proxy' && `source ${listener.source}`,
    listener.mode === 'sni' && listener.dial !== 'sni' && `dial ${listener.dial}`,
    listener.verify_sni !== 'off' && `verify_sni ${listener.verify_sni}`,
    listener.ech !== 'allow' && `ech ${listener.ech}`,
    listener.http !== 'reject' && `http ${listener.http}`,
    listener.misdirected !== 'explain' && `misdirected ${listener.misdirected}`,
    listener.proxy_protocol !== undefined && 'proxy_protocol',
    listener.dual_stack && 'dual_stack',
    listener.report_only && 'report_only',
  ];
  return told.filter((option) => option !== false);
}

function fromOf({ clients, users, listeners }: RuleConfig): string {
  const parts = [
    ...(clients ? [short(clients)] : []),
    ...(users ? [`users ${short(users)}`] : []),
    ...(listeners ? [`by ${short(listeners)}`] : []),
  ];
  return parts.length === 0 ? 'any' : parts.join(' ');
}

function toOf({ hosts, hosts_file, networks }: RuleConfig): string {
  const places = [...(hosts ?? []), ...(hosts_file === undefined ? [] : [hosts_file]), ...(networks ?? [])];
  return hosts || hosts_file !== undefined || networks ? short(places) : 'any';
}

function portsOf({ ports }: RuleConfig): string {
  if (ports === undefined) return 'any';
  return ports.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(', ') || 'none';
}

/** The first entry of a list, and how many more there are. */
function short(items: readonly string[]): string {
  const [first = 'none', second, ...others] = items;
  if (second === undefined) return first;
  return others.length === 0 ? `${first}, ${second}` : `${first} and ${items.length - 1} more`;
}
