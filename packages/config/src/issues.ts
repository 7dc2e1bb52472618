/** Turns zod's issues into problems. */
import type * as z from 'zod';
import type { ConfigPath, Problem } from './problems.ts';
import { UNKNOWN_KEY } from './schema/fields.ts';

/** A problem, and whether it is about the key at its path or about the value. */
export interface SchemaProblem extends Problem {
  readonly about: 'key' | 'value';
}

/** Turns issues into problems, one for each correction needed. */
export function explainIssues(issues: readonly z.core.$ZodIssue[]): SchemaProblem[] {
  // A number beyond what JavaScript holds exactly breaks two limits, and is to be corrected once.
  const problems = new Map(
    explainAll(issues, []).map((problem) => [JSON.stringify([problem.path, problem.message]), problem]),
  );
  return [...problems.values()];
}

function explainAll(issues: readonly z.core.$ZodIssue[], parent: ConfigPath): SchemaProblem[] {
  return issues.flatMap((issue) => {
    const path = [...parent, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
    if (issue.code === 'invalid_union' && issue.errors.length > 0) return explainAll(closestForm(issue.errors), path);
    // The reader of the key has worded the message; zod only adds that the key is invalid.
    if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => error(path, message, 'key'));
    const isAboutKey = issue.code === 'custom' && issue.params === UNKNOWN_KEY;
    return [error(path, issue.message, isAboutKey ? 'key' : 'value')];
  });
}

/** Of several forms that a value may have, the one that was probably meant: the first of the right type, otherwise the first. */
function closestForm(forms: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] {
  const isOfItsType = (issues: readonly z.core.$ZodIssue[]): boolean =>
    !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0);
  return forms.find(isOfItsType) ?? forms[0] ?? [];
}

function error(path: ConfigPath, message: string, about: SchemaProblem['about']): SchemaProblem {
  return { severity: 'error', path, message, about };
}
