/** Lines of a hosts file (hosts(5)): an address, and the names that it stands for. */
import { parseIp } from '@sallyport/addresses';
import type { ListLine } from './list-line.ts';

/** The machine's own names in hosts files. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  'localhost',
  'localhost.localdomain',
  'local',
  'broadcasthost',
  'ip6-localhost',
  'ip6-loopback',
  'ip6-localnet',
  'ip6-mcastprefix',
  'ip6-allnodes',
  'ip6-allrouters',
  'ip6-allhosts',
]);

/** True for a line whose first word is an address. */
export function beginsWithAddress(text: string): boolean {
  return isAddress(text.split(/\s/, 1)[0] ?? '');
}

/** Only the names count: lists of names to block give all of them the address 0.0.0.0 or 127.0.0.1. */
export function readHostsLine(text: string): ListLine {
  const [address = '', ...names] = text.split(/\s+/);
  if (!isAddress(address)) return { problem: 'does not begin with an IP address, as a hosts file does' };
  return names.filter((name) => !OWN_NAMES.has(name.toLowerCase()) && !parseIp(name));
}

/** It may have a zone. */
function isAddress(word: string): boolean {
  return parseIp(word.split('%', 1)[0] ?? '') !== undefined;
}
