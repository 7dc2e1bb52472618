/** CONFIGURATION.md, made of the schema: each key with what may stand there, its default, its doors and what it does. */
import { readFileSync } from 'node:fs';
import { format } from 'prettier';

/** What is read of a JSON Schema. */
export interface Part {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Part>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Part | boolean;
  readonly items?: Part;
  readonly anyOf?: readonly Part[];
  readonly oneOf?: readonly Part[];
}

/** What `sallyport schema` prints, as it is kept for editors; another test holds it to the program. */
export function configurationSchema(): Part {
  const file = new URL('../../configs/sallyport.schema.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Part; // A boundary: the schema is made by the program.
}

/** The whole document. */
export async function configurationReference(): Promise<string> {
  const schema = configurationSchema();
  const sections = Object.entries(schema.properties ?? {}).map(([name, part]) => section(name, part));
  const text = [INTRODUCTION, table(keysOf(schema, '')), ...sections].join('\n\n');
  return format(text, { parser: 'markdown', printWidth: 140 });
}

const INTRODUCTION = `# Configuration

Every key. This page is generated from the schema (\`npm run reference\`); \`npx sallyport schema\` prints the schema itself, for editors.
Any other key is an error. A key whose default is \`–\` has no effect when it is left out, unless it is **required**.

Durations are \`500ms\`, \`10s\`, \`5m\`, \`1h\`; sizes are \`64KiB\`, \`1MiB\`. Networks are CIDRs, single addresses, or the sets \`loopback\`, \`private\`,
\`link_local\` and \`any\`; for destinations also \`special\`: everything that IANA lists as not globally reachable. \`\${VAR}\` and \`\${VAR:-default}\`
inside a value are replaced by environment variables. Where a secret stands, an empty variable is an error, unless it is written \`\${VAR:-}\`. Paths are relative to the configuration file.

Keys outside \`listeners\` apply to both doors, \`connect\` (explicit) and \`sni\` (transparent).`;

interface Key {
  readonly path: string;
  readonly part: Part;
  readonly isRequired: boolean;
  /** The forms of its section that have it; empty where there is one form only. */
  readonly forms: readonly string[];
}

function section(name: string, part: Part): string {
  const rows = keysBelow(part, name);
  const intro = part.description ?? '';
  return rows.length === 0 ? '' : [`## ${name}`, intro, table(rows)].join('\n\n');
}

/** All keys below a part, depth first; a list's items are spelled \`[]\`, a map's values \`.NAME\`. */
function keysBelow(part: Part, path: string): readonly Key[] {
  if (part.items) return keysBelow(part.items, `${path}[]`);
  const forms = (part.oneOf ?? part.anyOf)?.filter(({ properties, items }) => properties ?? items);
  if (forms) return part.oneOf ? keysOfForms(forms, path) : forms.flatMap((form) => keysBelow(form, path));
  return keysOf(part, path).flatMap((key) => [key, ...keysBelow(key.part, key.path)]);
}

function keysOf({ properties = {}, required = [] }: Part, path: string): readonly Key[] {
  return Object.entries(properties).map(([name, part]) => ({
    path: path === '' ? name : `${path}.${name}`,
    part,
    isRequired: required.includes(name),
    forms: [],
  }));
}

/** Keys that several forms have are told once, with the forms that have them. */
function keysOfForms(forms: readonly Part[], path: string): readonly Key[] {
  const found = new Map<string, Key[]>();
  for (const form of forms) {
    const name = formName(form);
    for (const key of keysBelow({ ...form }, path)) {
      const same = (found.get(key.path) ?? []).find(({ part }) => meaning(part) === meaning(key.part));
      if (same)
        found.set(
          key.path,
          (found.get(key.path) ?? []).map((each) => (each === same ? joined(each, name) : each)),
        );
      else found.set(key.path, [...(found.get(key.path) ?? []), { ...key, forms: [name] }]);
    }
  }
  return [...found.values()].flat().map((key) => (key.forms.length === forms.length ? { ...key, forms: [] } : key));
}

function joined(key: Key, form: string): Key {
  return { ...key, forms: [...key.forms, form] };
}

function meaning({ description, default: fallback }: Part): string {
  return JSON.stringify([description, fallback]);
}

/** What tells the forms of a section apart: the only value that its mode or type may have. */
function formName({ properties = {} }: Part): string {
  return show(Object.values(properties).find((part) => part.const !== undefined)?.const ?? '');
}

function table(keys: readonly Key[]): string {
  const rows = keys.map(({ path, part, isRequired, forms }) => {
    const where = forms.length === 0 ? '' : `Only ${forms.map(code).join(' and ')}. `;
    const fallback = isRequired ? '**required**' : part.default === undefined ? '–' : code(show(part.default));
    return `| ${code(path)} | ${typeOf(part)} | ${fallback} | ${cell(where + (part.description ?? ''))} |`;
  });
  return ['| key | value | default | what it does |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*');
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

/** A default as it would be written in the file. */
function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return Object.keys(value).length === 0 ? '{}' : JSON.stringify(value);
  return String(value);
}

/** In words: what may stand there. */
function typeOf(part: Part): string {
  if (part.const !== undefined) return code(show(part.const));
  if (part.enum) return part.enum.map((word) => code(show(word))).join(', ');
  const forms = (part.anyOf ?? part.oneOf)?.filter((form) => form.pattern !== REFERENCE);
  if (forms) return withoutBare([...new Set(forms.map(typeOf))]).join(' or ');
  if (part.items) return part.items.properties || part.items.oneOf ? 'list' : `list of ${typeOf(part.items)}`;
  if (part.pattern !== undefined) return WORDS.find(([pattern]) => part.pattern?.startsWith(pattern))?.[1] ?? 'text';
  if (part.type === 'object') return 'map';
  if (part.type === 'null') return '`null`';
  if (part.type === 'integer') return range(part);
  if (part.type === 'boolean') return '`true`, `false`';
  return Array.isArray(part.type)
    ? part.type.map((type) => (type === 'null' ? '`null`' : 'text')).join(' or ')
    : 'text';
}

/** A number may be written as text, of which the range is that of the number. */
function withoutBare(words: readonly string[]): readonly string[] {
  return words.filter((word) => word !== 'number' || !words.some((other) => other.startsWith('number from ')));
}

/** What stands for a value from the environment: every value may come from there. */
const REFERENCE = '\\$\\{';

/** By how their patterns begin. */
const WORDS: readonly (readonly [string, string])[] = [
  ['^off$|^[0-9]+(ms|s|m|h)', '`off` or duration'],
  ['^[0-9]+(ms|s|m|h)', 'duration'],
  ['^[0-9]+(B|KiB', 'size'],
  ['^off$|^[1-9][0-9]*/s', '`off` or rate such as `200/s`'],
  ['^[0-9]+$', 'number'],
  ['^(true|false)', '`true`, `false`'],
  [':[0-9]{1,5}$|^systemd:', '`host:port` or `systemd:NAME`'],
  [':[0-9]{1,5}$|^unix:', '`host:port` or `unix:PATH`'],
  ['^(reject|original)$', '`reject`, `original` or `host:port`'],
  ['^(tls|tcp)://', '`tls://host:port` or `tcp://host:port`'],
  ['^https?://', 'URL'],
  [':[0-9]{1,5}$', '`host:port`'],
  ['^[a-z0-9_-]+$', 'name'],
];

function range({ minimum, maximum }: Part): string {
  const isOpen = maximum === undefined || maximum >= 2 ** 31 - 1;
  return isOpen ? 'number' : `number from ${minimum ?? 0} to ${maximum}`;
}
