/** The egress of a request, and why. For `sallyport explain` and `check`. */
import { authorityText } from '@sallyport/addresses';
import { type Config, DIRECT, triedInTurn } from '@sallyport/config';
import type { Decision, Destination } from '@sallyport/policy';

/** By which egress a request would leave. */
export interface EgressChoice {
  /** The egress, and those that are tried after it, a line each. */
  readonly lines: readonly string[];
  /** The first egress is a parent that gets the name unresolved: its addresses are not known here. */
  readonly resolvesNames: boolean;
}

/** As a door chooses, in words. */
export function chooseEgress(
  config: Pick<Config, 'egress' | 'default_egress'>,
  { egress, rule }: Pick<Decision, 'egress' | 'rule'>,
  destination: Pick<Destination, 'kind'>,
): EgressChoice {
  const names = egress ?? config.default_egress;
  const origin = egress === undefined ? 'default_egress' : `rule ${rule} names ${names.length === 1 ? 'it' : 'them'}`;
  const [first = DIRECT, ...others] = triedInTurn(names, config.egress);
  return {
    lines: [
      `${first}${kindOf(first, config)} (${origin})`,
      ...others.map((name) => `${name}${kindOf(name, config)}, if those before it are down`),
    ],
    resolvesNames: destination.kind === 'name' && leavesNames(first, config),
  };
}

function kindOf(name: string, { egress }: Pick<Config, 'egress'>): string {
  const found = egress.find((candidate) => candidate.name === name);
  if (found === undefined) return '';
  if (found.type === 'direct') return found.source_address === undefined ? '' : ` from ${found.source_address}`;
  return `: ${found.type} by ${authorityText(found.address)}`;
}

function leavesNames(name: string, { egress }: Pick<Config, 'egress'>): boolean {
  const found = egress.find((candidate) => candidate.name === name);
  return found !== undefined && found.type !== 'direct' && found.resolve === 'parent';
}
