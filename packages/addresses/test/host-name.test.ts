import { describe, expect, it } from 'vitest';
import { isHostName } from '../src/host-name.ts';

const LABEL = 'a'.repeat(63);

describe('isHostName', () => {
  it.each(['a', 'a.example', 'A.Example', 'a_b.example', '_dmarc.example', '1password.com', 'xn--mnchen-3ya.example'])(
    'takes %s',
    (name) => expect(isHostName(name)).toBe(true),
  );

  it.each([
    'api-.example',
    '-api.example',
    'a--b.example',
    '-.example',
    '-',
    'example.a-',
    `-${'a'.repeat(61)}-.example`,
  ])('takes the hyphens of %s, which DNS resolves', (name) => expect(isHostName(name)).toBe(true));

  it.each([LABEL, `${LABEL}.${LABEL}.${LABEL}.${'a'.repeat(61)}`])('takes the longest: %s', (name) =>
    expect(isHostName(name)).toBe(true),
  );

  it.each([
    ...['', '.', 'a.', '.a', 'a..b', `${LABEL}a.example`, `-${LABEL}.example`],
    `${LABEL}.${LABEL}.${LABEL}.${'a'.repeat(62)}`,
    ...['a b', 'a\0b', 'a/b', 'a:1', '*.a', 'a\n', 'b\u00fccher.example', '\u212Aelvin.example', 'a,b', '%61.example'],
    ...['1', '127.0.0.1', 'a.1', '0x7f', 'a.0x', '-.1'],
  ])('refuses %j', (name) => expect(isHostName(name)).toBe(false));
});
