/** CONFIGURATION.md says what the schema says. */
import { describe, expect, it } from 'vitest';
import { configurationReference, configurationSchema, type Part } from './configuration-reference.ts';

const schema = configurationSchema();

/** Every key of the schema, at any depth. */
function keysOf(part: Part, path = ''): readonly { readonly path: string; readonly part: Part }[] {
  const below = [...(part.items ? [part.items] : []), ...(part.anyOf ?? []), ...(part.oneOf ?? [])];
  return [
    ...below.flatMap((child) => keysOf(child, child === part.items ? `${path}[]` : path)),
    ...Object.entries(part.properties ?? {}).flatMap(([name, child]) => {
      const key = path === '' ? name : `${path}.${name}`;
      return [{ path: key, part: child }, ...keysOf(child, key)];
    }),
  ];
}

describe('CONFIGURATION.md', () => {
  it('is made of the schema; if it is not: npm run reference', async () => {
    await expect(await configurationReference()).toMatchFileSnapshot('../../CONFIGURATION.md');
  });

  it('has every key', async () => {
    const text = await configurationReference();
    const missing = keysOf(schema).filter(({ path }) => !text.includes(`\`${path}\``));
    expect(missing.map(({ path }) => path)).toEqual([]);
  });

  it('tells the range of a number once, which may also be written as text', async () => {
    const text = await configurationReference();
    expect(text).toMatch(/`runtime\.threads` *\| `auto` or number from 1 to 64 *\|/);
    expect(text).not.toContain('or number |');
  });

  it('describes each of them', () => {
    const silent = keysOf(schema).filter(({ part }) => part.description === undefined);
    expect(silent.map(({ path }) => path)).toEqual([]);
  });
});
