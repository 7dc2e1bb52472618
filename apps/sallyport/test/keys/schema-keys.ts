/** The keys of the configuration, as the schema that users' editors get has them. */

interface Part {
  readonly properties?: Readonly<Record<string, Part>>;
  readonly anyOf?: readonly Part[];
  readonly oneOf?: readonly Part[];
  readonly items?: Part;
  readonly const?: string;
}

/**
 * Every key that holds a value, by its path. Lists leave no trace in it; a section that is one of several kinds has its kind in brackets:
 * `listeners[sni].dial`, `egress[http].ca`.
 */
export function keysOf(schemaText: string): ReadonlySet<string> {
  const found = new Set<string>();
  collect(JSON.parse(schemaText) as Part, '', found); // It is what the program prints for editors.
  return found;
}

function collect(part: Part, path: string, found: Set<string>): void {
  // One form of a section is for a kind that comes from the environment; it names no key.
  const kinds = part.oneOf?.filter(({ properties }) => properties) ?? part.anyOf;
  if (kinds) for (const kind of kinds) collect(kind, `${path}${kindOf(kind)}`, found);
  else if (part.properties) collectProperties(part.properties, path, found);
  else if (part.items) collect(part.items, path, found);
  else found.add(path);
}

function collectProperties(properties: Readonly<Record<string, Part>>, path: string, found: Set<string>): void {
  for (const [key, value] of Object.entries(properties)) collect(value, path === '' ? key : `${path}.${key}`, found);
}

function kindOf({ properties }: Part): string {
  const kind = properties?.['mode']?.const ?? properties?.['type']?.const;
  return kind === undefined ? '' : `[${kind}]`;
}
