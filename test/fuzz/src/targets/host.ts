/** The parser of a host: compared with libc's and the URL standard's. */
import { isIP } from 'node:net';
import { parseDestination } from '@sallyport/policy';
import type { FuzzTarget } from '../fuzz-target.ts';
import { readAsDialled, readAsInetAton, readAsUrl } from '../readings.ts';
import { hostSeeds, hostWords } from '../seeds/hosts.ts';

export const hostTarget: FuzzTarget = {
  seeds: hostSeeds,
  dictionary: hostWords,
  check: (input, random) => checkHost(Buffer.from(input).toString(random.chance(0.5) ? 'utf8' : 'latin1')),
};

/** What is wrong with the product's reading of `text`, if anything. */
export function checkHost(text: string): string | undefined {
  const read = parseDestination(text, 443);
  switch (read.kind) {
    case 'malformed':
      if (!/^[\x20-\x7e]+$/.test(read.why)) return `the reason holds what the client sent: ${read.why}`;
      return isPlainName(text) ? `a plain name is refused: ${read.why}` : undefined;
    case 'name':
      return checkName(text, read.host);
    case 'address':
      return checkAddress(text, read.host);
  }
}

function checkName(text: string, host: string): string | undefined {
  if (host !== text.toLowerCase().replace(/\.$/, '')) return `the name became another: ${host}`;
  if (readAsInetAton(host) !== undefined) return `inet_aton takes the name for an address: ${host}`;
  if (readAsDialled(text) !== undefined) return `dialling code takes the name for an address: ${text}`;
  const url = readAsUrl(host);
  return url === host ? undefined : `the URL standard reads the name ${host} as ${url}`;
}

function checkAddress(text: string, host: string): string | undefined {
  if (isIP(host) === 0) return `${host} is no address`;
  if (readAsDialled(text) !== readAsDialled(host)) return `${text} is not the address ${host}`;
  return /[^0-9a-f:.[\]]/i.test(text) ? `${text} is no plain literal` : undefined;
}

/** Short labels of letters, the last of no less than two: what nobody may refuse. */
function isPlainName(text: string): boolean {
  return text.length < 200 && /^(?:[a-z]{1,20}\.)+[a-wyz]{2,10}$/i.test(text);
}
