/** Parses the format of /etc/hosts (hosts(5)): an address and its names on each line; `#` to the end of a line is a comment. */
import { parseIp, type Ip } from '@sallyport/addresses';

/**
 * Reads a hosts file: lower-cased name -> its addresses, in the order of the file. A name on several lines has all of their addresses.
 * Lines without a plain IP literal are skipped, also those with a zone: the policy cannot judge such an address.
 */
export function parseHostsFile(text: string): ReadonlyMap<string, readonly Ip[]> {
  const hosts = new Map<string, Ip[]>();
  for (const line of text.split('\n')) {
    const [literal = '', ...names] = wordsOf(line);
    const ip = names.length > 0 ? parseIp(literal) : undefined;
    if (ip) for (const name of names) addAddress(hosts, name.toLowerCase().replace(/\.$/, ''), ip);
  }
  for (const [name, addresses] of hosts) if (addresses.length > 1) hosts.set(name, withoutRepetition(addresses));
  return hosts;
}

function wordsOf(line: string): string[] {
  const comment = line.indexOf('#');
  const words = comment < 0 ? line : line.slice(0, comment);
  return words.trim().split(/\s+/);
}

function addAddress(hosts: Map<string, Ip[]>, name: string, ip: Ip): void {
  const addresses = hosts.get(name);
  if (addresses) addresses.push(ip);
  else hosts.set(name, [ip]);
}

function withoutRepetition(addresses: readonly Ip[]): Ip[] {
  return [...new Map(addresses.map((ip) => [ip.text, ip])).values()];
}
