/** Lines of a hosts file (hosts(5)): an address, and the names that it stands for. */
import { parseIp } from '@sallyport/addresses';
import type { ListLine } from './host-list.ts';

/** What hosts files say of the machine itself. */
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

/** The names count and the address does not: lists of names to be blocked give 0.0.0.0 or 127.0.0.1 to all of them. */
export function readHostsLine(text: string): ListLine {
  const [address = '', ...names] = text.split(/\s+/);
  if (!parseIp(address.split('%', 1)[0] ?? ''))
    return { problem: 'does not begin with an IP address, as a hosts file does' };
  return names.filter((name) => !OWN_NAMES.has(name.toLowerCase()) && !parseIp(name));
}
