import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configJsonSchema } from '../src/json-schema.ts';

/** What these tests read of a JSON Schema. */
interface Part {
  readonly type?: string;
  readonly pattern?: string;
  readonly description?: string;
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, Part>>;
  readonly anyOf?: readonly Part[];
  readonly oneOf?: readonly Part[];
  readonly items?: Part;
  readonly default?: unknown;
}

const schema: Part = configJsonSchema();

function partsOf(part: Part): Part[] {
  const children = [
    ...Object.values(part.properties ?? {}),
    ...(part.anyOf ?? []),
    ...(part.oneOf ?? []),
    ...(part.items ? [part.items] : []),
  ];
  return [part, ...children.flatMap(partsOf)];
}

describe('configJsonSchema', () => {
  it('is what configs/sallyport.schema.json holds; if not: npx sallyport schema > configs/sallyport.schema.json', () => {
    const committed = readFileSync(new URL('../../../configs/sallyport.schema.json', import.meta.url), 'utf8');
    expect(JSON.parse(committed)).toEqual(schema);
  });

  it('has only patterns that validators outside JavaScript read as well', () => {
    // Python's re has no \p{Cc}, and RE2 neither \u0000 nor a look-ahead: such a validator stops, and checks nothing.
    const patterns = JSON.stringify(schema).match(/"pattern":"(?:[^"\\]|\\.)*"/g) ?? [];
    expect(patterns.length).toBeGreaterThan(20);
    expect(patterns.filter((pattern) => /\\\\[cpPku]|\(\?/.test(pattern))).toEqual([]);
  });

  it('knows no key but those of the schema, in any section', () => {
    const sections = partsOf(schema).filter(({ properties }) => properties !== undefined);
    expect(sections.length).toBeGreaterThan(10);
    expect(sections.every(({ additionalProperties }) => additionalProperties === false)).toBe(true);
  });

  it.each([
    ['10s', true],
    ['${IDLE}', true],
    ['${IDLE:-10s}', true],
    ['10', false],
    ['off', false],
    ['1h30m', false],
  ])('lets an editor take %s for a duration: %s', (text, isDuration) => {
    const idle = schema.properties?.['timeouts']?.properties?.['idle'];
    expect(new RegExp(idle?.pattern ?? 'no pattern').test(text)).toBe(isDuration);
  });

  it('lets numbers, switches and words come from the environment', () => {
    const { limits, log } = schema.properties ?? {};
    const values = [limits?.properties?.['tunnels'], log?.properties?.['access'], log?.properties?.['level']];
    const admits = (value: Part | undefined, text: string): boolean =>
      value?.anyOf?.some(({ pattern }) => pattern !== undefined && new RegExp(pattern).test(text)) ?? false;
    expect(values.map((value) => [admits(value, '${VALUE}'), admits(value, 'VALUE')])).toEqual(
      values.map(() => [true, false]),
    );
  });

  it('shows defaults as they are written, and describes every key whose name does not', () => {
    const { idle } = schema.properties?.['timeouts']?.properties ?? {};
    expect(idle).toMatchObject({ default: '10m', description: expect.any(String) as string });
  });
});
