/** Every key about ways out and ways in, at each place where it may stand: it has an effect that a test shows, or it is an error. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sallyport } from '../harness/sallyport.ts';

interface Part {
  readonly properties?: Readonly<Record<string, Part>>;
  readonly anyOf?: readonly Part[];
  readonly oneOf?: readonly Part[];
  readonly items?: Part;
  readonly const?: unknown;
}

/** Where its effect is shown, beneath `test/e2e`. */
const shownIn = {
  name: 'egress/choice.test.ts',
  type: 'egress/parents.test.ts',
  address: 'egress/parents.test.ts',
  username: 'egress/parents.test.ts',
  password: 'egress/parents.test.ts',
  tls: 'egress/choice.test.ts',
  ca: 'egress/choice.test.ts',
  resolve: 'egress/choice.test.ts',
  source_address: 'egress/choice.test.ts',
  proxy_protocol: 'egress/choice.test.ts',
} as const;

/** The keys of an egress, by its type: what is not here is an error there. */
const keysOf: Readonly<Record<string, readonly (keyof typeof shownIn)[]>> = {
  direct: ['name', 'type', 'source_address', 'proxy_protocol'],
  http: ['name', 'type', 'address', 'username', 'password', 'resolve', 'proxy_protocol', 'tls', 'ca'],
  socks5: ['name', 'type', 'address', 'username', 'password', 'resolve', 'proxy_protocol'],
};

/** Of both doors; shown in arrivals.test.ts. */
const ARRIVAL_KEYS = ['dual_stack', 'proxy_protocol'];

describe('the schema', () => {
  it.each(Object.entries(shownIn))('has %s, whose effect %s shows', (key, file) => {
    expect(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')).toMatch(new RegExp(`\\b${key}: `));
  });

  it('has the keys of ways out and ways in that tests show, and no other', async () => {
    const { stdout } = await sallyport(['schema']);
    const schema = JSON.parse(stdout) as Part; // It is what the program prints for editors.
    const egresses = variantsOf(schema.properties?.['egress']?.items);
    const found = Object.fromEntries(
      egresses.map(({ properties = {} }) => [String(properties['type']?.const), Object.keys(properties).toSorted()]),
    );
    const shown = Object.entries(keysOf).map(([type, keys]) => [type, [...keys].toSorted()] as const);
    expect(found).toEqual(Object.fromEntries(shown));

    for (const { properties = {} } of variantsOf(schema.properties?.['listeners']?.items)) {
      expect(Object.keys(properties)).toEqual(expect.arrayContaining(ARRIVAL_KEYS));
    }
    const rule = schema.properties?.['policy']?.properties?.['rules']?.items;
    expect(Object.keys(rule?.properties ?? {})).toContain('egress');
    expect(Object.keys(schema.properties ?? {})).toEqual(expect.arrayContaining(['egress', 'default_egress']));
    expect(Object.keys(schema.properties?.['runtime']?.properties ?? {})).toContain('user');
  });
});

function variantsOf(part: Part | undefined): readonly Part[] {
  return part?.oneOf ?? part?.anyOf ?? [];
}
