import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeControls } from '../../src/log/escape-controls.ts';
import { type Form, TUNNEL_FIELDS, type TunnelFields } from '../../src/log/fields.ts';
import { logLineSchema } from '../../src/log/line-schema.ts';
import { LineWriter } from '../../src/log/line-writer.ts';

const textArb = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme-ascii' }),
  fc.stringMatching(/^[a-z0-9.:-]{0,40}$/),
);
const countArb = fc.oneof(fc.nat(), fc.maxSafeNat());
const VALUES: Readonly<Record<Form, fc.Arbitrary<unknown>>> = {
  text: textArb,
  count: countArb,
  ms: fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.double({ min: 0, max: 1e18, noNaN: true }), fc.nat()),
  flag: fc.boolean(),
  texts: fc.array(textArb, { maxLength: 4 }),
  error: fc.constant({}),
};

/** Of few doors and rules, so that templates are met again, with other neighbours too. */
const fewArb = fc.constantFrom('a', 'b', '"\u2028', 'ü');
const FEW: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  listener: fewArb,
  rule: fewArb,
  egress: fewArb,
  would_deny: fewArb,
};
const NEEDED = ['id', 'listener', 'mode', 'client', 'outcome', 'reason'];

const lineArb = fc.record(
  Object.fromEntries(
    Object.entries(TUNNEL_FIELDS).map(([name, field]) => [
      name,
      FEW[name] ?? ('words' in field ? fc.constantFrom(...field.words) : VALUES[field.form]),
    ]),
  ),
  { requiredKeys: NEEDED },
) as unknown as fc.Arbitrary<TunnelFields>; // Made of the very table that the type is made of.

const isLogLine = new Ajv2020().compile(logLineSchema());
const textOf = ({ bytes, length }: LineWriter): string => bytes.toString('utf8', 0, length);

/** What a serialiser of objects makes of the same. */
function serialised(seq: number, time: unknown, line: TunnelFields): string {
  const rounded = Object.entries(line).map(([name, value]: [string, unknown]) => [
    name,
    name.endsWith('_ms') ? Math.round(Number(value) * 1000) / 1000 : value,
  ]);
  const fields = Object.fromEntries(rounded) as Record<string, unknown>;
  const ordered = Object.keys(TUNNEL_FIELDS).map((name) => [name, fields[name]] as const);
  const whole = { level: 'info', time, seq, ...Object.fromEntries(ordered), msg: 'tunnel' };
  return `${escapeControls(JSON.stringify(whole))}\n`;
}

describe('a line about a tunnel', () => {
  it('is what JSON.stringify makes of it, byte for byte, and as the schema has it', () => {
    const lines = new LineWriter();
    fc.assert(
      fc.property(lineArb, (line) => {
        lines.tunnel('info', 'tunnel', line);
        const written = textOf(lines);
        const parsed = JSON.parse(written) as Record<string, unknown>;
        expect(written).toBe(serialised(lines.seq, parsed['time'], line));
        expect(isLogLine(parsed), JSON.stringify(isLogLine.errors)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    { what: 'nothing relayed', bytes_up: 0, written: '0' },
    { what: 'more than 2^32', bytes_up: 2 ** 40 + 1, written: '1099511627777' },
    { what: 'the largest whole number', bytes_up: Number.MAX_SAFE_INTEGER, written: '9007199254740991' },
    { what: 'what is no number', bytes_up: NaN, written: 'null' },
    { what: 'less than nothing', bytes_up: -5, written: '-5' },
  ])('spells $what as $written', ({ bytes_up, written }) => {
    const lines = new LineWriter();
    lines.tunnel('info', 'tunnel', { id: 'a-1', listener: 'a', mode: 'sni', client: '::1', bytes_up });
    expect(textOf(lines)).toContain(`"bytes_up":${written},"msg"`);
  });

  it('has the time of the moment', () => {
    const lines = new LineWriter();
    const before = Date.now();
    lines.tunnel('info', 'open', { id: 'a-1', listener: 'a', mode: 'sni', client: '::1' });
    const { time } = JSON.parse(textOf(lines)) as { time: string };
    expect(new Date(time).toISOString()).toBe(time);
    expect(Date.parse(time)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(time)).toBeLessThanOrEqual(Date.now());
  });

  it('follows a rule whose decision changed with the configuration', () => {
    const lines = new LineWriter();
    const line = { id: 'a-1', listener: 'a', mode: 'sni', client: '::1', rule: 'r' } as const;
    const written = (['allow', 'deny', 'allow'] as const).map((decision) => {
      lines.tunnel('info', 'tunnel', { ...line, decision });
      return /"decision":"(\w+)"/.exec(textOf(lines))?.[1];
    });
    expect(written).toEqual(['allow', 'deny', 'allow']);
  });

  it('of more rules than templates are kept for is still its own', () => {
    const lines = new LineWriter();
    for (let round = 0; round < 3_000; round += 1) {
      const rule = `rule-${round % 1_500}`;
      lines.tunnel('info', 'tunnel', { id: 'a-1', listener: 'a', mode: 'sni', client: '::1', rule });
      expect(textOf(lines)).toContain(`"rule":"${rule}"`);
    }
  });
});
