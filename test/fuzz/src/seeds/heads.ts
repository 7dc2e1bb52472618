/** Request heads to start from: each is valid in its own way, or has the one fault that its name says. */

const line = (target: string, version = '1.1'): string => `CONNECT ${target} HTTP/${version}\r\n`;

const heads: Readonly<Record<string, string>> = {
  good: `${line('example.com:443')}Host: example.com:443\r\n\r\n`,
  goodWithoutHost: `${line('example.com:443')}\r\n`,
  goodOfHttp10: `${line('example.com:443', '1.0')}\r\n`,
  goodIpv4: `${line('192.0.2.1:443')}Host: 192.0.2.1:443\r\n\r\n`,
  goodIpv6: `${line('[2001:db8::1]:443')}Host: [2001:db8::1]:443\r\n\r\n`,
  goodMapped: `${line('[::ffff:10.0.0.1]:443')}\r\n`,
  goodWithFields: `${line('a_b.example.com.:8443')}Host: a\r\nUser-Agent: curl/8.5.0\r\nProxy-Connection: Keep-Alive\r\n\r\n`,
  goodWithCredentials: `${line('a.example:443')}Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n`,
  goodWithEmptyLength: `${line('a.example:443')}Content-Length: 0\r\n\r\n`,
  goodBehindEmptyLine: `\r\n${line('a.example:443')}\r\n`,
  goodWithEarlyBytes: `${line('a.example:443')}\r\n\x16\x03\x01\x00\x05hello`,
  otherMethod: 'GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n',
  withBody: `${line('a.example:443')}Content-Length: 5\r\n\r\nhello`,
  withChunks: `${line('a.example:443')}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  withTwoHosts: `${line('a.example:443')}Host: a\r\nHost: b\r\n\r\n`,
  withFoldedLine: `${line('a.example:443')}X: a\r\n b\r\n\r\n`,
  withUserInfo: `${line('u:p@a.example:443')}\r\n`,
  withScheme: `${line('http://a.example:443')}\r\n`,
  withBracketedName: `${line('[a.example]:443')}\r\n`,
  withoutPort: `${line('a.example')}\r\n`,
  withLegacyIpv4: `${line('0x7f.1:443')}\r\n`,
  withBareLf: 'CONNECT a.example:443 HTTP/1.1\n\n',
  http2Preface: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
};

export const headSeeds: readonly Uint8Array[] = Object.values(heads).map((text) => Buffer.from(text, 'latin1'));

export const headWords: readonly Uint8Array[] = [
  ...['\r\n', '\r\n\r\n', '\r', '\n', '\t', ' ', ':', '\0', '\x7f', '\xff', '[', ']', '[::1]', '::', '%', '@', '/'],
  ...['CONNECT ', 'GET ', ' HTTP/1.1', ' HTTP/1.0', ':443', ':0', ':65536', ':00443', ':+1', 'http://', 'xn--', '..'],
  ...['Host: ', 'Host:\r\n', 'Content-Length: 0', 'Transfer-Encoding: ', 'Proxy-Authorization: Basic ', '127.1', '0x'],
].map((text) => Buffer.from(text, 'latin1'));
