/** The last word before dialling: which of a destination's addresses may be dialled. */
import type { Address } from '@sallyport/tunnel-splice';
import { type Destination, destinationText } from '../destination.ts';
import { TunnelError } from '../reasons.ts';
import type { Ip } from './ip.ts';
import type { OwnAddresses } from './own-addresses.ts';
import { type DestinationRules, judgeAddress } from './permit.ts';

/** What is held against the addresses of one destination. */
export interface AddressGuards {
  readonly rules: DestinationRules;
  readonly own: OwnAddresses;
}

/**
 * Keeps the addresses that the rules permit and that are none of our own doors, in their order. What is returned is what is dialled:
 * nothing is looked up again, so no answer can change between the check and the dial (DNS rebinding).
 *
 * Throws `address` where the rules refuse every one, `loop` where those that they leave are our own.
 */
export function permitAddresses(
  resolved: readonly Ip[],
  destination: Destination,
  { rules, own }: AddressGuards,
): readonly Address[] {
  const permitted: Ip[] = [];
  let why = 'it has no address';
  for (const ip of resolved) {
    const verdict = judgeAddress(ip, rules);
    if (verdict.kind === 'permitted') permitted.push(ip);
    else why = verdict.why;
  }
  if (permitted.length === 0) {
    throw new TunnelError('address', `${destinationText(destination)} may not be dialled: ${why}.`);
  }
  const { port } = destination;
  const foreign = permitted.filter((ip) => !own.includes(ip, port));
  if (foreign.length === 0) {
    throw new TunnelError('loop', `${destinationText(destination)} leads back to Sallyport itself.`);
  }
  return foreign.map((ip) => ({ host: ip.text, port }));
}
