/** Turns zod's issues into problems. */
import type * as z from 'zod';
import type { ConfigPath, Problem } from './problems.ts';
import { createPlacesOfKey, type PlacesOfKey } from './key-places.ts';
import { hintAtSpace, isUnknownKey, type UnknownKey } from './schema/fields.ts';
import { didYouMean, isSlip, suggest } from './suggest.ts';

/** A problem, and whether it is about the key at its path or about the value. */
export interface SchemaProblem extends Problem {
  readonly about: 'key' | 'value';
}

/** Turns issues into problems, one for each correction needed. */
export function explainIssues(issues: readonly z.core.$ZodIssue[]): SchemaProblem[] {
  // A number beyond what JavaScript holds exactly breaks two limits, and is to be corrected once.
  const problems = new Map(
    explainAll(issues, [], createPlacesOfKey()).map((problem) => [
      JSON.stringify([problem.path, problem.message]),
      problem,
    ]),
  );
  return [...problems.values()];
}

function explainAll(
  issues: readonly z.core.$ZodIssue[],
  parent: ConfigPath,
  placesOfKey: PlacesOfKey,
): SchemaProblem[] {
  return withoutEmptiness(issues).flatMap((issue) => {
    const path = [...parent, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
    if (issue.code === 'invalid_union' && issue.errors.length > 0)
      return explainAll(closestForm(issue.errors), path, placesOfKey);
    // The reader of the key has worded the message; zod only adds that the key is invalid.
    if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => error(path, message, 'key'));
    if (issue.code === 'custom' && isUnknownKey(issue.params))
      return [
        error(
          path,
          `${issue.message}${hintAtKeys(issue.params, placesOfKey(issue.params.unknownKey, path.slice(0, -1)))}`,
          'key',
        ),
      ];
    return [error(path, issue.message, 'value')];
  });
}

/** For zod, what has a length of 0 is too short whatever it is: an empty list in the place of a text, too. */
function withoutEmptiness(issues: readonly z.core.$ZodIssue[]): readonly z.core.$ZodIssue[] {
  const ofWrongType = new Set(issues.flatMap(({ code, path }) => (code === 'invalid_type' ? [placeOf(path)] : [])));
  return issues.filter(({ code, path }) => code !== 'too_small' || !ofWrongType.has(placeOf(path)));
}

function placeOf(path: readonly PropertyKey[]): string {
  return JSON.stringify(path);
}

/** The key that was probably meant, the sections that have it, or the keys that there are. */
function hintAtKeys({ unknownKey, known }: UnknownKey, places: string | undefined): string {
  const space = hintAtSpace(unknownKey, known);
  if (space !== '') return space;
  const closest = suggest(unknownKey, known);
  const hint = didYouMean(unknownKey, known);
  if (closest !== undefined && isSlip(unknownKey, closest)) return hint;
  if (places === undefined) return hint || `; known here: ${known.join(', ')}`;
  // A word that is spelled right is rarely a misspelling of another one; but source may be meant for source_address.
  const isBeginning = closest !== undefined && (closest.startsWith(unknownKey) || unknownKey.startsWith(closest));
  return isBeginning ? `${hint} It is a key of ${places}` : `; it is a key of ${places}`;
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
