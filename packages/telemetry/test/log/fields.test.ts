import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COMMON_FIELDS, END_FIELDS, type Field, MESSAGE_FIELDS, TUNNEL_FIELDS } from '../../src/log/fields.ts';

const page = readFileSync(new URL('../../LOG.md', import.meta.url), 'utf8');

interface Section {
  readonly heading: string;
  readonly fields: Readonly<Record<string, Field>>;
}

/** The rows of a section's table, cells without the padding. */
function rowsOf(heading: string): readonly string[] {
  const [, section = ''] = page.split(`## ${heading}\n`);
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) => row.replaceAll(/ +\|/g, ' |').replaceAll(/\| +/g, '| '));
}

describe("the log's page", () => {
  it.each<Section>([
    { heading: 'Every line', fields: COMMON_FIELDS },
    { heading: 'Tunnels and refusals', fields: TUNNEL_FIELDS },
    { heading: 'Messages in words', fields: MESSAGE_FIELDS },
  ])('has each field of "$heading", as the code has it', ({ heading, fields }) => {
    const rows = Object.entries(fields).map(
      ([name, { form, words, about }]) => `| \`${name}\` | ${words?.join(', ') ?? form} | ${about} |`,
    );
    expect(rowsOf(heading)).toEqual(rows);
  });

  it('says which fields only the end of a tunnel tells', () => {
    expect(page).toContain(`all but ${END_FIELDS.map((name) => `\`${name}\``).join(', ')}`);
  });
});
