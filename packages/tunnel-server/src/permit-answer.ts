/** The step that selects, from the addresses of a name, those that may be dialled, even before both families have answered. */
import { type AddressGuards, type Destination, permitAddresses, type PermitVerdict } from '@sallyport/policy';
import type { Answer, Rest } from '@sallyport/resolver';
import type { Address } from '@sallyport/tunnel-splice';
import { NAME_LOOKED_UP, unlessGone } from './abandon.ts';
import type { DialList, LateAddresses } from './egress/race.ts';
import { TunnelError } from './reasons.ts';
import { type NameClient, nameClientKey, type Resolved } from './resolve-destination.ts';

/**
 * The addresses that may be dialled, in dialling order. A refusal is final only once both families are known: one that has not answered
 * is waited for, or queried again (RFC 8305 §3). Throws a TunnelError: `address`, `loop`, or `client_closed`.
 */
export function permitAnswer(
  { addresses, rest }: Resolved,
  destination: Destination,
  guards: AddressGuards,
  client: NameClient,
): DialList | Promise<DialList> {
  const verdict = permitAddresses(addresses, destination, guards);
  if (rest === undefined) return addressesOf(verdict);
  const judge = (answer: Answer): PermitVerdict =>
    answer.kind === 'addresses' ? permitAddresses(answer.addresses, destination, guards) : verdict;
  if (verdict.kind === 'permitted')
    return Object.assign([...verdict.addresses], { late: lateAddresses(rest, client, judge) });
  return unlessGone(client, rest.ask(nameClientKey(client)), NAME_LOOKED_UP).then((whole) => addressesOf(judge(whole)));
}

function addressesOf(verdict: PermitVerdict): readonly Address[] {
  if (verdict.kind === 'refused') {
    const { reason, sentence, detail } = verdict;
    throw new TunnelError(reason, sentence, { detail });
  }
  return verdict.addresses;
}

/** They are checked by the same rules as the first ones. */
function lateAddresses(rest: Rest, client: NameClient, judge: (answer: Answer) => PermitVerdict): LateAddresses {
  let isKnown = false;
  return {
    isUnderWay: rest.isUnderWay,
    get missing() {
      return isKnown ? undefined : rest.missing === 'A' ? 'IPv4' : 'IPv6';
    },
    ask: () => {
      const asked = rest.ask(nameClientKey(client));
      const permitted = (answer: Answer): readonly Address[] => {
        isKnown = answer.kind === 'addresses' && answer.rest === undefined;
        const verdict = judge(answer);
        return verdict.kind === 'permitted' ? verdict.addresses : [];
      };
      return { done: asked.done.then(permitted), cancel: () => asked.cancel() };
    },
  };
}
