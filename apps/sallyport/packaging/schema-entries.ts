/** The keys of a configuration, one entry each, from its JSON Schema. */
export interface SchemaEntry {
  /** Such as `listeners[].bind`, or `listeners[mode: sni].port`. */
  readonly path: string;
  readonly type: string;
  /** The default, as YAML; '' where there is none. */
  readonly fallback: string;
  readonly about: string;
}

type Node = Readonly<Record<string, unknown>>;

/** In the order of the schema, every key before the keys inside it. */
export function schemaEntries(schema: unknown): readonly SchemaEntry[] {
  return isNode(schema) ? entriesBelow(schema, '') : [];
}

function entriesBelow(node: Node, path: string): readonly SchemaEntry[] {
  const { properties, items } = node;
  if (isNode(properties)) {
    return Object.entries(properties).flatMap(([key, value]) => {
      const below = path === '' ? key : `${path}.${key}`;
      return isNode(value) ? [entry(value, below), ...entriesBelow(value, below)] : [];
    });
  }
  if (isNode(items)) return entriesBelow(items, `${path}[]`);
  return variants(node).flatMap((variant) => entriesBelow(variant, named(path, variant)));
}

function entry(node: Node, path: string): SchemaEntry {
  const { description } = node;
  return {
    path,
    type: typeOf(node),
    fallback: 'default' in node && !isNode(node['default']) ? JSON.stringify(node['default']) : '',
    about: typeof description === 'string' ? description.replaceAll('\n', ' ') : '',
  };
}

/** The objects of a list are told apart by one key: `mode` of a listener, `type` of an egress. */
function named(path: string, { properties }: Node): string {
  if (!isNode(properties)) return path;
  const [tag] = Object.entries(properties).filter(([, value]) => isNode(value) && 'const' in value);
  if (!tag || !isNode(tag[1])) return path;
  return path.replace(/\[\]$/, `[${tag[0]}: ${String(tag[1]['const'])}]`);
}

function typeOf(node: Node): string {
  const { type, enum: words, const: word, items } = node;
  if (word !== undefined) return JSON.stringify(word);
  if (Array.isArray(words)) return words.map(String).join(' | ');
  if (type === 'array' && isNode(items)) return `list of ${typeOf(items) || 'values'}`;
  if (typeof type === 'string') return type;
  const told = variants(node)
    // The form for the environment, ${VAR}, is allowed everywhere, and described once.
    .filter(({ pattern }) => typeof pattern !== 'string' || !/^\^\(true\|false\)|^\\\$/.test(pattern))
    .map(typeOf);
  return [...new Set(told)].filter(Boolean).join(' | ');
}

function variants({ oneOf, anyOf }: Node): readonly Node[] {
  const listed: unknown = oneOf ?? anyOf;
  return Array.isArray(listed) ? listed.filter(isNode) : [];
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
