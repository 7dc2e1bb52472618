/** The banner printed on a terminal once the proxy is up: its doors, its policy, its admin server, and two commands to try. */
import { authorityText } from '@sallyport/addresses';
import { type Address } from '@sallyport/tunnel-splice';
import { type Config, escapeControls, type ListenerConfig } from '@sallyport/config';
import { groupNamed } from '@sallyport/policy';
import { formatBind } from './format-bind.ts';
import type { OpenDoor, Program } from './program.ts';
import { version } from './version.ts';

/** The banner of a program that runs `file`. */
export function banner(file: string, config: Config, program: Pick<Program, 'openDoors' | 'adminAddress'>): string {
  const doors = program.openDoors();
  const width = Math.max('policy'.length, ...doors.map(({ name }) => name.length));
  const row = (name: string, what: string): string => `  ${name.padEnd(width)}  ${what}`;
  const admin = program.adminAddress();
  const rules = config.policy.rules.length === 1 ? '1 rule' : `${config.policy.rules.length} rules`;
  const reports = config.policy.report_only ? ', report only' : '';
  return [
    '',
    `Sallyport ${version()}`,
    ...doors.map(({ name, address }) => row(name, `${doorWords(config, name)} on ${authorityText(address)}`)),
    row('policy', `${rules}, default ${config.policy.default}${reports}`),
    ...(admin ? [row('admin', 'host' in admin ? `http://${authorityText(admin)}/` : formatBind(admin))] : []),
    '',
    'Try from another terminal:',
    ...commandsToTry(file, config, doors).map((command) => `  ${command}`),
    '',
    '',
  ].join('\n');
}

function doorWords({ listeners }: Config, name: string): string {
  return listeners.find((listener) => listener.name === name)?.mode === 'sni' ? 'transparent door' : 'explicit door';
}

function commandsToTry(file: string, config: Config, doors: readonly OpenDoor[]): readonly string[] {
  const host = hostToTry(config);
  const [door] = doors;
  const listener = config.listeners.find(({ name }) => name === door?.name);
  const explain = `npx sallyport explain --config ${quoted(file)} --client 127.0.0.1 --to ${host}:443`;
  return door && listener ? [curl(listener, door.address, host), explain] : [explain];
}

function curl(listener: ListenerConfig, address: Address, host: string): string {
  const near = authorityText({ host: nearAddress(address.host), port: address.port });
  if (listener.mode === 'sni') return `curl --connect-to ${host}:443:${near} https://${host}/`;
  const login = listener.auth ? ' --proxy-user NAME:PASSWORD' : '';
  const certificate = listener.tls?.client_ca ? ' --proxy-cert FILE --proxy-key FILE' : '';
  return `curl --proxy ${listener.tls ? 'https' : 'http'}://${near}${login}${certificate} https://${host}/`;
}

/** The address by which this machine reaches a door that is bound to every address. */
function nearAddress(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/** The first name that a rule allows without further conditions; otherwise a well-known one. */
function hostToTry({ policy }: Config): string {
  const allowed = policy.rules.flatMap(({ action, hosts = [] }) => (action === 'allow' ? hosts : []));
  return allowed.find((host) => groupNamed(host) === undefined && !host.includes('*')) ?? 'example.com';
}

function quoted(file: string): string {
  const escaped = escapeControls(file);
  // As shells other than the oldest read it.
  if (escaped !== file) return `$'${escaped.replaceAll("'", String.raw`\'`)}'`;
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", String.raw`'\''`)}'`;
}
