import { type Ip, parseIp } from '../src/ip.ts';

/** The address that a test spells, or an error where the test misspells it. */
export function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (!parsed) throw new Error(`no address: ${text}`);
  return parsed;
}
