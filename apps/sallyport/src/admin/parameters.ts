/** The query parameters of the admin API. One table both parses and documents them. */

export interface Parameter {
  readonly about: string;
  readonly kind: 'count' | 'choice' | 'text' | 'port';
  /** For a choice. */
  readonly choices?: readonly string[];
  /** For a count; left out: 1,000. */
  readonly most?: number;
  /** The value where it is left out. A parameter without a default is optional too, unless it is required. */
  readonly byDefault?: string;
  readonly isRequired?: boolean;
}

export type Parameters = Readonly<Record<string, Parameter>>;

export type ReadParameters<Table extends Parameters> =
  | { readonly kind: 'ok'; readonly values: { readonly [Name in keyof Table]: string | undefined } }
  /** What is wrong, in one sentence. */
  | { readonly kind: 'wrong'; readonly why: string };

/** No list is longer; a filter finds the entries beyond. */
export const MOST_ENTRIES = 1_000;

/** A name has 253 characters at most. */
export const LONGEST_TEXT = 255;

/** Reads a query. An unknown or repeated parameter is an error, as a wrong value is. */
export function readParameters<Table extends Parameters>(query: URLSearchParams, table: Table): ReadParameters<Table> {
  const known = Object.keys(table);
  const values: Record<string, string | undefined> = {};
  for (const [name, text] of query) {
    const parameter = Object.hasOwn(table, name) ? table[name] : undefined;
    const names = known.length > 0 ? `there are ${known.join(', ')}` : 'there is none';
    if (!parameter) return wrong(`no parameter is named ${JSON.stringify(name)}; here ${names}`);
    if (Object.hasOwn(values, name)) return wrong(`${name} is there twice; give it once`);
    const why = complain(parameter, text);
    if (why !== undefined) return wrong(`${name} must be ${why}`);
    values[name] = text;
  }
  for (const [name, { byDefault, isRequired }] of Object.entries(table)) {
    if (isRequired && values[name] === undefined) return wrong(`${name} is missing`);
    values[name] ??= byDefault;
  }
  return { kind: 'ok', values: values as { [Name in keyof Table]: string | undefined } }; // All names are keys of the table.
}

function wrong(why: string): { readonly kind: 'wrong'; readonly why: string } {
  return { kind: 'wrong', why };
}

function complain({ kind, choices = [], most = MOST_ENTRIES }: Parameter, text: string): string | undefined {
  switch (kind) {
    case 'choice':
      return choices.includes(text) ? undefined : choices.join(' or ');
    case 'count':
      return isWithin(text, most) ? undefined : `a whole number from 1 to ${most}`;
    case 'port':
      return isWithin(text, 65_535) ? undefined : 'a port from 1 to 65535';
    case 'text':
      return text.length <= LONGEST_TEXT ? undefined : `no longer than ${LONGEST_TEXT} characters`;
  }
}

function isWithin(text: string, most: number): boolean {
  return /^[0-9]{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= most;
}
