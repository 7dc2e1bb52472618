import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAuthority, parseAuthorityForm } from '../src/authority-form.ts';

describe('parseAuthorityForm', () => {
  it.each([
    ['example.com:443', 'example.com', 443],
    ['EXAMPLE.com.:443', 'EXAMPLE.com.', 443],
    ['1password.com:443', '1password.com', 443],
    ['_dmarc.example.com:443', '_dmarc.example.com', 443],
    ['192.0.2.1:8443', '192.0.2.1', 8443],
    ['[2001:db8::1]:443', '[2001:db8::1]', 443],
    ['example.com:1', 'example.com', 1],
    ['example.com:65535', 'example.com', 65_535],
    ['example.com:007', 'example.com', 7],
    ['example.com:00443', 'example.com', 443],
  ])('reads %s', (text, host, port) => {
    expect(parseAuthorityForm(text)).toEqual({ kind: 'authority', host, port });
  });

  it.each([
    { text: '', why: 'the target has no port' },
    { text: '*', why: 'the target has no port' },
    { text: 'example.com', why: 'the target has no port' },
    { text: '[2001:db8::1]', why: 'the target has no port' },
    { text: 'example.com:', why: 'the port is empty' },
    { text: ':443', why: 'the host is empty' },
    { text: ':', why: 'the host is empty' },
    { text: 'example.com:0', why: 'the port is not between 1 and 65535' },
    { text: 'example.com:000', why: 'the port is not between 1 and 65535' },
    { text: 'example.com:65536', why: 'the port is not between 1 and 65535' },
    { text: 'example.com:91337', why: 'the port is not between 1 and 65535' },
    { text: `example.com:${'9'.repeat(400)}`, why: 'the port is not between 1 and 65535' },
    { text: 'example.com:+443', why: 'the port is not a decimal number' },
    { text: 'example.com:-12', why: 'the port is not a decimal number' },
    { text: 'example.com:https', why: 'the port is not a decimal number' },
    { text: 'example.com:0x1bb', why: 'the port is not a decimal number' },
    { text: 'example.com:44.3', why: 'the port is not a decimal number' },
    { text: 'example.com:4e2', why: 'the port is not a decimal number' },
    { text: '/', why: 'the target has a path' },
    { text: 'example.com:443/', why: 'the target has a path' },
    { text: 'example.com:443/path', why: 'the target has a path' },
    { text: 'example.com:443?x', why: 'the target has a query' },
    { text: 'example.com:443#x', why: 'the target has a fragment' },
    { text: 'user:password@example.com:443', why: 'the target has user information' },
    { text: '@example.com:443', why: 'the target has user information' },
    { text: 'http://example.com:443', why: 'the target has a scheme' },
    { text: 'https://example.com', why: 'the target has a scheme' },
    { text: '::1:443', why: 'an IPv6 address stands in brackets: write [::1]:443' },
    { text: '2001:DB8::1:8443', why: 'an IPv6 address stands in brackets: write [2001:DB8::1]:8443' },
    { text: '1:2:3:4:5:6:7:8:443', why: 'an IPv6 address stands in brackets: write [1:2:3:4:5:6:7:8]:443' },
    { text: '::ffff:192.0.2.1:443', why: 'an IPv6 address stands in brackets: write [::ffff:192.0.2.1]:443' },
    { text: '::', why: 'an IPv6 address stands in brackets, with the port behind them: write [::]:443' },
    {
      text: '1:2:3:4:5:6:7:8',
      why: 'an IPv6 address stands in brackets, with the port behind them: write [1:2:3:4:5:6:7:8]:443',
    },
    { text: '2001:db8::1:99999', why: 'the host has a colon or bracket out of place: [ ] go round an IPv6 address' },
    { text: '::g:443', why: 'the host has a colon or bracket out of place: [ ] go round an IPv6 address' },
    { text: '[[::1]]:443', why: 'the host has a colon or bracket out of place: [ ] go round an IPv6 address' },
    { text: '[::1:443', why: 'the host has a colon or bracket out of place: [ ] go round an IPv6 address' },
    { text: '::1]:443', why: 'the host has a colon or bracket out of place: [ ] go round an IPv6 address' },
    { text: '[]:443', why: 'the host has a colon or bracket out of place: [ ] go round an IPv6 address' },
    { text: '[::1]x:443', why: 'the host has a colon or bracket out of place: [ ] go round an IPv6 address' },
    { text: 'x[::1]:443', why: 'the host has a colon or bracket out of place: [ ] go round an IPv6 address' },
    { text: '[::1]:', why: 'the port is empty' },
    { text: 'a:b:443', why: 'the host has a colon or bracket out of place: [ ] go round an IPv6 address' },
    { text: 'exa mple.com:443', why: 'the target has a space, a control character or a character outside ASCII' },
    { text: ' example.com:443', why: 'the target has a space, a control character or a character outside ASCII' },
    { text: 'example.com:443\0', why: 'the target has a space, a control character or a character outside ASCII' },
    { text: 'example.com:443\n', why: 'the target has a space, a control character or a character outside ASCII' },
    { text: 'exämple.com:443', why: 'the target has a space, a control character or a character outside ASCII' },
    { text: '\ufeffexample.com:443', why: 'the target has a space, a control character or a character outside ASCII' },
    { text: 'example.com:４４３', why: 'the target has a space, a control character or a character outside ASCII' },
  ])('refuses $text: $why', ({ text, why }) => {
    expect(parseAuthorityForm(text)).toEqual({ kind: 'malformed', why });
  });

  it('takes host and port for exactly what stands on the two sides of the last colon', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = parseAuthorityForm(text);
        if (parsed.kind === 'malformed') return;
        expect(text.startsWith(`${parsed.host}:`)).toBe(true);
        expect(Number(text.slice(parsed.host.length + 1))).toBe(parsed.port);
        expect(parsed.host).not.toMatch(/[/?#@\s]/);
      }),
    );
  });
});

describe('parseAuthority', () => {
  it.each([
    { text: 'Example.com.:443', destination: { kind: 'name', host: 'example.com', port: 443 } },
    { text: '[2001:DB8::1]:8443', destination: { kind: 'address', host: '2001:db8::1', port: 8443 } },
    { text: 'example.com', destination: { kind: 'malformed', why: 'the target has no port' } },
    { text: 'a..b:443', destination: { kind: 'malformed' } },
  ])('reads the destination of $text', ({ text, destination }) => {
    expect(parseAuthority(text)).toMatchObject(destination);
  });
});
