/** Where in the configuration a key belongs, for whoever wrote it somewhere else. */
import { configJsonSchema } from './json-schema.ts';
import type { ConfigPath } from './problems.ts';

/** The sections that have a key, as words; `undefined` where none has it. Those near `here` hide all others. */
export type PlacesOfKey = (key: string, here: ConfigPath) => string | undefined;

/** Makes the search. The schema is read once, for the first key. */
export function createPlacesOfKey(): PlacesOfKey {
  let index: ReadonlyMap<string, readonly Place[]> | undefined;
  return (key, here) => {
    index ??= placesByKey(configJsonSchema());
    const places = index.get(key) ?? [];
    const near = places.filter(({ section }) => section !== '' && section.split(/[.[]/)[0] === here[0]);
    const told = mergeForms(near.length > 0 ? near : places);
    return told.length === 0 ? undefined : told.join(' or ');
  };
}

/** What is read of a JSON Schema here. */
interface Part {
  readonly const?: string;
  readonly not?: unknown;
  readonly properties?: Readonly<Record<string, Part>>;
  readonly items?: Part;
  readonly anyOf?: readonly Part[];
  readonly oneOf?: readonly Part[];
}

/** A section: its path, with `[]` for the items of a list; and where it has several forms, what tells this one from the others. */
interface Place {
  readonly section: string;
  readonly form?: { readonly key: string; readonly word: string; readonly count: number } | undefined;
}

function placesByKey(schema: Part): ReadonlyMap<string, readonly Place[]> {
  const index = new Map<string, Place[]>();
  const visit = (part: Part, section: string, form?: Place['form']): void => {
    for (const [key, below] of Object.entries(part.properties ?? {})) {
      if (below.not === undefined) index.set(key, [...(index.get(key) ?? []), { section, form }]);
    }
    for (const [key, below] of Object.entries(part.properties ?? {}))
      visit(below, section === '' ? key : `${section}.${key}`);
    if (part.items) visit(part.items, `${section}[]`);
    for (const one of part.anyOf ?? []) visit(one, section);
    for (const one of part.oneOf ?? []) visit(one, section, formOf(one, part.oneOf ?? []));
  };
  visit(schema, '');
  return index;
}

function formOf({ properties = {} }: Part, all: readonly Part[]): Place['form'] {
  const [told] = Object.entries(properties).filter(([, part]) => part.const !== undefined);
  const count = all.filter((part) => part.properties !== undefined).length;
  return told && { key: told[0], word: String(told[1].const), count };
}

/** A section of which several forms have the key is told once. */
function mergeForms(places: readonly Place[]): readonly string[] {
  const sections = new Map<string, Place['form'][]>();
  for (const { section, form } of places) sections.set(section, [...(sections.get(section) ?? []), form]);
  return [...sections].map(([section, forms]) => {
    if (section === '') return 'the top level of the file';
    const [first] = forms;
    if (first === undefined || forms.length === first.count) return section;
    return `${section} with ${first.key}: ${forms.map((form) => form?.word).join(' or ')}`;
  });
}
