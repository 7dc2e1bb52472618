/** The last word before dialling: which of a destination's addresses may be dialled. */
import type { Address } from '@sallyport/tunnel-splice';
import { type Destination, destinationText } from '../destination.ts';
import { TunnelError } from '../reasons.ts';
import type { Ip } from './ip.ts';
import type { OwnAddresses } from './own-addresses.ts';
import { type AddressVerdict, type DestinationRules, judgeAddress } from './permit.ts';

/** What is held against the addresses of one destination. */
export interface AddressGuards {
  readonly rules: DestinationRules;
  readonly own: OwnAddresses;
}

/** What is held against one address of a destination. */
export type DialVerdict = AddressVerdict | { readonly kind: 'loop' };

/** May this address be dialled at this port? The rules come first: what they refuse is no loop. */
export function judgeDial(ip: Ip, port: number, { rules, own }: AddressGuards): DialVerdict {
  const verdict = judgeAddress(ip, rules);
  return verdict.kind === 'permitted' && own.includes(ip, port) ? LOOP : verdict;
}

const LOOP: DialVerdict = { kind: 'loop' };

/**
 * Keeps the addresses that the rules permit and that are none of our own doors, in their order. What is returned is what is dialled:
 * nothing is looked up again, so no answer can change between the check and the dial (DNS rebinding).
 *
 * Throws `address` where the rules refuse every one, `loop` where those that they leave are our own.
 */
export function permitAddresses(
  resolved: readonly Ip[],
  destination: Destination,
  guards: AddressGuards,
): readonly Address[] {
  const { port } = destination;
  const permitted: Address[] = [];
  let isLoop = false;
  let why = 'it has no address';
  for (const ip of resolved) {
    const verdict = judgeDial(ip, port, guards);
    if (verdict.kind === 'permitted') permitted.push({ host: ip.text, port });
    else if (verdict.kind === 'refused') why = verdict.why;
    else isLoop = true;
  }
  if (permitted.length > 0) return permitted;
  if (isLoop) throw new TunnelError('loop', `${destinationText(destination)} leads back to Sallyport itself.`);
  throw new TunnelError('address', `${destinationText(destination)} may not be dialled: ${why}.`);
}
