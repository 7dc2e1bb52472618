import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeControls } from '../../src/log/escape-controls.ts';

describe('escapeControls', () => {
  it.each([
    { what: 'a line feed', text: 'a\nb', escaped: 'a\\u000ab' },
    { what: 'ESC', text: '\u001b[2J', escaped: '\\u001b[2J' },
    { what: 'DEL', text: '\u007f', escaped: '\\u007f' },
    { what: 'CSI of C1', text: '\u009b2J', escaped: '\\u009b2J' },
    { what: 'the line separator', text: '\u2028', escaped: '\\u2028' },
    { what: 'a right-to-left override', text: 'exe\u202egpj', escaped: 'exe\\u202egpj' },
    { what: 'a bidirectional isolate', text: '\u2066', escaped: '\\u2066' },
    { what: 'a zero-width space', text: 'pay\u200bpal', escaped: 'pay\\u200bpal' },
    { what: 'the byte order mark', text: '\ufeffx', escaped: '\\ufeffx' },
  ])('spells $what out', ({ text, escaped }) => {
    expect(escapeControls(text)).toBe(escaped);
  });

  it('leaves letters of any script, spaces and emoji alone', () => {
    expect(escapeControls('Füße, Ελλάδα, 日本 👋 "x"')).toBe('Füße, Ελλάδα, 日本 👋 "x"');
  });

  it('keeps the meaning of a JSON text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(escapeControls(JSON.stringify(text)))).toBe(text);
      }),
    );
  });
});
