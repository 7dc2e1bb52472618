/** Checks the rules that tests name. */
import * as z from 'zod';
import type { Problem } from './problems.ts';
import { DEFAULT_NAME, ruleName } from './rule-names.ts';
import { SAFE_DEFAULT } from './schema/policy.ts';
import { hintAtNames } from './suggest.ts';

/** Reads only the keys it needs, so that it also runs on a file with other faults. */
export function findUnknownRules(value: unknown): Problem[] {
  const { policy, tests } = looseFile.parse(value);
  // What is no list of rules may be meant to hold any.
  if (policy.rules === undefined) return [];
  const known = [...policy.rules.map(ruleName), DEFAULT_NAME];
  return tests.flatMap(({ rule }, number): Problem[] => {
    if (rule === undefined || known.includes(rule)) return [];
    const message = `no rule is named ${JSON.stringify(rule)}${hintAtNames(rule, known)}`;
    return [{ severity: 'error', path: ['tests', number, 'rule'], message }];
  });
}

const text = z.string().optional().catch(undefined);
const looseRule = z.object({ name: text }).catch({});
const looseTest = z.object({ rule: text }).catch({});
const loosePolicy = z
  .object({ rules: z.array(looseRule).optional().catch(undefined).prefault([]) })
  .prefault(SAFE_DEFAULT)
  .catch({ rules: undefined });
const looseFile = z
  .object({ policy: loosePolicy, tests: z.array(looseTest).catch([]) })
  .catch({ policy: { rules: undefined }, tests: [] });
