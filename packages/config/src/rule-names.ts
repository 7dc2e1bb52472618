/** How rules and the default are named, in the log, in metrics and in tests. */

/** The name of the default's decision. */
export const DEFAULT_NAME = 'default';

/** The name of a rule, which is `rule-N` where it has none; `number` counts from 0, the N from 1. */
export function ruleName({ name }: { readonly name?: string | undefined }, number: number): string {
  return name ?? `rule-${number + 1}`;
}
