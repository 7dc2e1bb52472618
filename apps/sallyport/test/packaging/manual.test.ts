import { describe, expect, it } from 'vitest';
import { manualPages } from '../../packaging/manual.ts';
import { schemaEntries } from '../../packaging/schema-entries.ts';

const SCHEMA = {
  type: 'object',
  properties: {
    doors: {
      type: 'array',
      items: {
        oneOf: ['a', 'b'].map((mode) => ({
          type: 'object',
          properties: {
            mode: { type: 'string', const: mode },
            port: { type: 'integer', default: 443, description: "The door's port." },
          },
        })),
      },
    },
    watch: { anyOf: [{ type: 'boolean' }, { type: 'string', pattern: '^(true|false)$|\\$\\{' }], default: false },
  },
};

describe('schemaEntries', () => {
  it('names every key, those of each variant apart, with type and default', () => {
    expect(schemaEntries(SCHEMA).map(({ path, type, fallback }) => `${path} ${type} ${fallback}`.trim())).toEqual([
      'doors list of object',
      'doors[mode: a].mode "a"',
      'doors[mode: a].port integer 443',
      'doors[mode: b].mode "b"',
      'doors[mode: b].port integer 443',
      'watch boolean false',
    ]);
  });
});

describe('manualPages', () => {
  const help = { version: '1.2.3', about: 'Sallyport: a proxy.', schema: SCHEMA };
  const command = {
    name: 'run',
    usage: 'sallyport run --config FILE',
    summary: 'Runs.',
    options: [],
    details: '.x\n- \\y',
  };

  it('writes text that roff takes for text', () => {
    const page = manualPages({ ...help, commands: [command] }, 86_400)['sallyport.8'];
    expect(page).toContain('.TH SALLYPORT 8 1970-01-02 "sallyport 1.2.3"');
    expect(page).toContain('\n\\&.x\n\\- \\ey\n');
  });

  it('keeps columns and lines to copy as they are', () => {
    const details = 'Uses:\n  a, b  one thing\n  c     another\n\nKeep it with:\n  sallyport > x';
    const page = manualPages({ ...help, commands: [{ ...command, details }] }, 0)['sallyport.8'];
    const columns = '\nUses:\n.TP\n\\fBa, b\\fR\none thing\n.TP\n\\fBc\\fR\nanother\n.PP\nKeep it with:\n';
    expect(page).toContain(`${columns}.RS\n.nf\nsallyport > x\n.fi\n.RE\n`);
  });

  it('tells every key of the configuration', () => {
    const page = manualPages({ ...help, commands: [] }, 0)['sallyport.yaml.5'];
    expect(page).toContain('.TP\n\\fBdoors[mode: a].port\\fR (integer)\nThe door\\(aqs port.\nDefault: 443.');
  });
});
