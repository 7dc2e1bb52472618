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
  const { pattern, enum: words, default: fallback, description, ...form } = schema;
  if (pattern !== undefined) return { ...schema, pattern: `${pattern}|${REFERENCE_PATTERN}` };
  if (words === undefined) return mapParts(schema, admitReferences);
  return {
    ...(fallback !== undefined && { default: fallback }),
    ...(description !== undefined && { description }),
    anyOf: [
      { ...form, enum: words },
      { type: 'string', pattern: REFERENCE_PATTERN },
    ],
  };
}

function mapParts(schema: Json, change: (part: Json) => Json): Json {
  const changed: Json = { ...schema };
  const changeOne = (part: Part): Part => (typeof part === 'boolean' ? part : change(part));
  if (schema.properties) {
    const parts = Object.entries(schema.properties).map(([key, part]) => [key, changeOne(part)] as const);
    changed.properties = Object.fromEntries(parts);
  }
  if (schema.items !== undefined && !Array.isArray(schema.items)) changed.items = changeOne(schema.items);
  if (schema.anyOf) changed.anyOf = schema.anyOf.map(change);
  if (schema.oneOf) changed.oneOf = schema.oneOf.map(change);
  if (schema.additionalProperties !== undefined) changed.additionalProperties = changeOne(schema.additionalProperties);
  return changed;
}
