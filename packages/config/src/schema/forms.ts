/** Sections of several forms, of which a word says which one is meant. */
import * as z from 'zod';
import { isSlip } from '../suggest.ts';
import { expected, isUnknownKey } from './fields.ts';

/**
 * Where the word is none of theirs, it is not known which keys there are. What is wrong whichever form is meant is told all the same; of a
 * misspelt word, what is wrong in the form that it means.
 * @param key of the word
 */
export function forms<const Forms extends readonly [z.ZodObject, ...z.ZodObject[]]>(
  key: string,
  sections: Forms,
  error: (issue: { readonly code?: string; readonly input?: unknown }) => string,
) {
  return z.discriminatedUnion(key, sections, { error }).superRefine(
    (value: unknown, { issues }) => {
      const isUnknownForm = issues.some(({ code, path = [] }) => code === 'invalid_union' && path[0] === key);
      if (isUnknownForm && typeof value === 'object' && value !== null)
        for (const issue of issuesOfAll(key, formsMeant(key, sections, value), value)) issues.push(issue);
    },
    { when: () => true },
  );
}

/** The form whose word has a slip of the hand in it, or all. */
function formsMeant(key: string, sections: readonly z.ZodObject[], value: object): readonly z.ZodObject[] {
  const word: unknown = Reflect.get(value, key);
  if (typeof word !== 'string') return sections;
  const meant = sections.filter(
    ({ shape: { [key]: own } }) => own instanceof z.ZodLiteral && isSlip(word.trim(), String(own.value)),
  );
  return meant.length === 1 ? meant : sections;
}

/** Issues that each of the forms has at the same place, as the first one words them. */
function issuesOfAll(key: string, sections: readonly z.ZodObject[], value: object): z.core.$ZodRawIssue[] {
  // The message about the word tells its misspelling, too.
  const [first = [], ...others] = sections.map((section) =>
    (section.safeParse(value).error?.issues ?? []).filter(
      ({ path: [top] }) => typeof top === 'string' && top !== key && !isSlip(top.trim(), key),
    ),
  );
  const placesOfOthers = others.map((issues) => new Set(issues.map(placeOf)));
  return first
    .filter((issue) => placesOfOthers.every((places) => places.has(placeOf(issue))))
    .map((issue): z.core.$ZodRawIssue => ({ ...issue, path: [...issue.path], input: undefined }));
}

/** A key that only some forms have is told by none: in one it is unknown, in another its value may be wrong. */
function placeOf(issue: z.core.$ZodIssue): string {
  return JSON.stringify([issue.path, issue.code === 'custom' && isUnknownKey(issue.params)]);
}

/** Makes the message for a word that is missing, or none of the forms'. */
export function expectedWord(key: string, what: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => {
    const section = typeof input === 'object' && input !== null ? input : {};
    const word: unknown = Object.hasOwn(section, key) ? Reflect.get(section, key) : undefined;
    const slip = word === undefined ? Object.keys(section).find((written) => isSlip(written.trim(), key)) : undefined;
    const told = expected(what)({ input: word });
    return slip === undefined ? told : `${told}; it has ${JSON.stringify(slip)}; did you mean "${key}"?`;
  };
}
