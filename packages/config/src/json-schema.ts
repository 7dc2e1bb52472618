/** The JSON Schema of the configuration, for editors. */
import * as z from 'zod';
import { configSchema } from './schema.ts';

/** A JSON Schema or a part of one. */
type Json = z.core.JSONSchema.BaseSchema;
type Part = Json | boolean;

/** Makes the JSON Schema (2020-12) of what may be written in a configuration file. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, { io: 'input' });
  return { title: 'Sallyport configuration', ...admitReferences(schema) };
}

/** Matches a value with a reference to the environment. */
const REFERENCE_PATTERN = '\\$\\{';

/** Allows `${VAR}` wherever a value has a form, as the file does. */
function admitReferences(schema: Json): Json {
  const { pattern, default: fallback, description, ...form } = schema;
  if (pattern !== undefined) return { ...schema, pattern: `${pattern}|${REFERENCE_PATTERN}` };
  if (schema.enum === undefined && schema.const === undefined) return mapParts(schema);
  return {
    ...(fallback !== undefined && { default: fallback }),
    ...(description !== undefined && { description }),
    anyOf: [form, REFERENCE],
  };
}

const REFERENCE: Json = { type: 'string', pattern: REFERENCE_PATTERN };

/**
 * The forms of a section, told apart by a key that has one word in each. Editors look for that word. Where the key is a reference, the
 * schema cannot know which form is meant, and asks for nothing else.
 */
function admitReferencesInForms(forms: readonly Json[]): Json[] {
  const told = new Map(
    forms.flatMap(({ properties = {} }) =>
      Object.entries(properties).filter(([, part]) => typeof part === 'object' && part.const !== undefined),
    ),
  );
  const admitted = forms.map((form): Json => {
    const changed = admitReferences(form);
    return { ...changed, properties: { ...changed.properties, ...pick(form, told) } };
  });
  const referring = [...told.keys()].map((key): Json => ({
    type: 'object',
    required: [key],
    patternProperties: { [`^${key}$`]: REFERENCE },
  }));
  return [...admitted, ...referring];
}

function pick({ properties = {} }: Json, keys: ReadonlyMap<string, unknown>): Record<string, Part> {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => keys.has(key)));
}

function mapParts(schema: Json): Json {
  const changed: Json = { ...schema };
  const changeOne = (part: Part): Part => (typeof part === 'boolean' ? part : admitReferences(part));
  if (schema.properties) {
    const parts = Object.entries(schema.properties).map(([key, part]) => [key, changeOne(part)] as const);
    changed.properties = Object.fromEntries(parts);
  }
  if (schema.items !== undefined && !Array.isArray(schema.items)) changed.items = changeOne(schema.items);
  if (schema.anyOf) changed.anyOf = schema.anyOf.map(admitReferences);
  if (schema.oneOf) changed.oneOf = admitReferencesInForms(schema.oneOf);
  if (schema.additionalProperties !== undefined) changed.additionalProperties = changeOne(schema.additionalProperties);
  return changed;
}
