import { describe, expect, it } from 'vitest';
import { parseHostPattern } from '../../src/rules/host-patterns.ts';

describe('parseHostPattern', () => {
  it.each([
    ['*', { kind: 'any' }],
    ['example.com', { kind: 'exact', name: 'example.com' }],
    ['Example.COM.', { kind: 'exact', name: 'example.com' }],
    ['localhost', { kind: 'exact', name: 'localhost' }],
    ['_sip.example.com', { kind: 'exact', name: '_sip.example.com' }],
    ['xn--bcher-kva.example', { kind: 'exact', name: 'xn--bcher-kva.example' }],
    ['*.example.com', { kind: 'below', suffix: 'example.com' }],
    ['*.Example.com.', { kind: 'below', suffix: 'example.com' }],
    ['*.com', { kind: 'below', suffix: 'com' }],
  ])('reads %s', (text, pattern) => {
    expect(parseHostPattern(text)).toEqual(pattern);
  });

  it.each([
    ['*.*.example.com', '"*.*.example.com" has a * where none may be; write a name, *.suffix, or * alone'],
    ['api.*.com', '"api.*.com" has a * where none may be; write a name, *.suffix, or * alone'],
    ['example.*', '"example.*" has a * where none may be; write a name, *.suffix, or * alone'],
    ['ex*mple.com', '"ex*mple.com" has a * where none may be; write a name, *.suffix, or * alone'],
    ['*example.com', '"*example.com" has a * where none may be; write a name, *.suffix, or * alone'],
    ['**', '"**" has a * where none may be; write a name, *.suffix, or * alone'],
    ['.example.com', '".example.com" starts with a dot; write *.example.com for all names below it'],
    ['192.0.2.1', '"192.0.2.1" is an IP address or network; list it in networks'],
    ['192.0.2.0/24', '"192.0.2.0/24" is an IP address or network; list it in networks'],
    ['2001:db8::1', '"2001:db8::1" is an IP address or network; list it in networks'],
    ['2001:db8::/32', '"2001:db8::/32" is an IP address or network; list it in networks'],
    ['[2001:db8::1]', '"[2001:db8::1]" is an IP address or network; list it in networks'],
    ['https://example.com/', '"https://example.com/" is no host name; write the name alone, without scheme or path'],
    ['example.com:443', '"example.com:443" has a port; write the name alone, and list the port in ports'],
    ['“a.example”', '"“a.example”" has quotes that YAML takes for letters; write "a.example"'],
    ['bücher.example', '"bücher.example" is not in ASCII; write xn--bcher-kva.example'],
    ['*.bücher.example', '"*.bücher.example" is not in ASCII; write *.xn--bcher-kva.example'],
    ['127.1', '"127.1" is no host name: an IP address is written in full; write 127.0.0.1'],
    ['*.1.2', '"*.1.2" is no host name: a host name does not end in a number'],
    ['*.192.0.2.1', '"*.192.0.2.1" is no host name: a host name does not end in a number'],
    [
      'example.com\t',
      String.raw`"example.com\t" is no host name: the host holds a character that no name has (U+0009)`,
    ],
    [
      'exa\nmple.com',
      String.raw`"exa\nmple.com" is no host name: the host holds a character that no name has (U+000A)`,
    ],
    ['*.', '"*." is no host name: the host is empty'],
    ['', '"" is no host name: the host is empty'],
    ['a..b', '"a..b" is no host name: the host name has an empty label'],
    ['a b', '"a b" is no host name: the host holds a character that no name has (U+0020)'],
  ])('refuses %j and says what to write', (text, message) => {
    expect(parseHostPattern(text)).toEqual({ kind: 'malformed', message });
  });
});
