/** Checks that compare several keys or values of one map. They are made whatever else is wrong in it. */
import type * as z from 'zod';

/** When several values of a map are compared: where it is a map, and none of them is wrong, whatever else is. By itself, zod compares nothing then. */
export function unlessWrong(...keys: readonly string[]) {
  const isWrong = ({ path: [key] = [] }: z.core.$ZodRawIssue): boolean =>
    key === undefined || keys.includes(String(key));
  return {
    when: ({ value, issues }: z.core.ParsePayload): boolean =>
      typeof value === 'object' && value !== null && !issues.some(isWrong),
  };
}

/** Of two spellings of one key, one would be dropped without a message. */
export function refuseTwins(read: (spelling: string) => string) {
  return (values: Readonly<Record<string, unknown>>, context: z.core.$RefinementCtx): void => {
    const seen = new Set<string>();
    for (const spelling of Object.keys(values)) {
      const key = read(spelling);
      if (seen.has(key))
        context.addIssue({ code: 'custom', path: [spelling], message: `${key} is there already; keep one` });
      seen.add(key);
    }
  };
}
