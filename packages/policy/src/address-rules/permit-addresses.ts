/** The last check before dialling: which of a destination's addresses may be dialled. */
import type { Ip } from '@sallyport/addresses';
import type { Address } from '@sallyport/config';
import { type Destination, destinationText } from '../destination.ts';
import { type AddressVerdict, type DestinationRules, isPermitted, judgeAddress } from './permit.ts';

/** All addresses at which our own doors can be reached. */
export interface OwnAddresses {
  /** True where dialling the address would end at one of our own listeners. */
  includes(ip: Ip, port: number): boolean;
  /** The same for those alone that the operator has listed, in `own_addresses`. */
  isListed(ip: Ip, port: number): boolean;
}

/** The checks that the addresses of one destination must pass. */
export interface AddressGuards {
  readonly rules: DestinationRules;
  readonly own: OwnAddresses;
}

/** The result of these checks for one address. */
export type DialVerdict = AddressVerdict | { readonly kind: 'loop' };

/**
 * May this address be dialled at this port? An address that the rules refuse is not reported as a loop, unless the operator says that it
 * is one: private addresses of a balancer are refused as well, and "special" is not what is wrong with them.
 */
export function judgeDial(ip: Ip, port: number, { rules, own }: AddressGuards): DialVerdict {
  if (own.isListed(ip, port)) return LOOP;
  const verdict = judgeAddress(ip, rules);
  return verdict.kind === 'permitted' && own.includes(ip, port) ? LOOP : verdict;
}

const LOOP: DialVerdict = { kind: 'loop' };

/** Which addresses of a destination may be dialled, in dialling order; or why none of them may. */
export type PermitVerdict =
  | { readonly kind: 'permitted'; readonly addresses: readonly Address[] }
  /** `address`: the rules refuse every one. `loop`: those that they permit, or that the operator lists, are our own doors. */
  | {
      readonly kind: 'refused';
      readonly reason: 'address' | 'loop';
      /** Without the addresses: a client need not know what a private name resolves to. */
      readonly sentence: string;
      readonly detail: string;
    };

/**
 * Keeps the addresses that the rules permit and that are not our own doors, in their order. Exactly these are dialled: nothing is looked
 * up again, so no answer can change between the check and the dial (DNS rebinding).
 */
export function permitAddresses(
  resolved: readonly Ip[],
  destination: Destination,
  guards: AddressGuards,
): PermitVerdict {
  const { port } = destination;
  const addresses: Address[] = [];
  let isLoop = false;
  let refused: Ip | undefined;
  for (const ip of resolved) {
    if (guards.own.isListed(ip, port)) isLoop = true;
    else if (!isPermitted(ip, guards.rules)) refused = ip;
    else if (guards.own.includes(ip, port)) isLoop = true;
    else addresses.push({ host: ip.text, port });
  }
  if (addresses.length > 0) return { kind: 'permitted', addresses };
  const text = destinationText(destination);
  if (isLoop) {
    const sentence = `${text} leads back to Sallyport itself.`;
    return { kind: 'refused', reason: 'loop', sentence, detail: sentence };
  }
  const sentence = `${text} may not be dialled${destination.kind === 'name' ? ': none of its addresses is allowed' : ''}`;
  return {
    kind: 'refused',
    reason: 'address',
    sentence,
    detail: `${text} may not be dialled: ${explainRefusal(refused, guards)}`,
  };
}

/** Explains the refusal of one address, the last that the rules refuse. */
function explainRefusal(refused: Ip | undefined, { rules }: AddressGuards): string {
  const verdict = refused && judgeAddress(refused, rules);
  return verdict?.kind === 'refused' ? verdict.why : 'it has no address';
}
