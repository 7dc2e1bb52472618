import { describe, expect, it } from 'vitest';
import { authorityText, uriHost } from '../src/authority.ts';

describe('authorityText', () => {
  it.each([
    { host: 'a.test', port: 443, text: 'a.test:443' },
    { host: '192.0.2.1', port: 1, text: '192.0.2.1:1' },
    { host: '2001:db8::1', port: 65_535, text: '[2001:db8::1]:65535' },
    { host: '::', port: 0, text: '[::]:0' },
  ])('writes $text', ({ host, port, text }) => {
    expect(authorityText({ host, port })).toBe(text);
    expect(text).toBe(`${uriHost(host)}:${port}`);
  });
});
