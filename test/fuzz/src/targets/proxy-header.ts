/** The PROXY header: compared with a second parser, and with itself truncated and with bytes after it. */
import { isDeepStrictEqual } from 'node:util';
import { type ProxyHeader, readProxyHeader } from '../../../../packages/tunnel-server/dist/proxy-header/read.js';
import { crc32c } from '../../../../packages/tunnel-server/dist/proxy-header/crc32c.js';
import type { FuzzTarget } from '../fuzz-target.ts';
import { readAsUrl } from '../readings.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

export const proxyHeaderTarget: FuzzTarget = {
  seeds: seeds(),
  dictionary: [
    ...['PROXY ', 'TCP4 ', 'TCP6 ', 'UNKNOWN', ' ', '\r\n', '::', '0', '65535', '127.1 ', '::ffff:10.0.0.1 '].map(
      (text) => Buffer.from(text),
    ),
    SIGNATURE,
    ...['2111', '2121', '2131', '2000', '030004', '04000000', '000c', '0024'].map((hex) => Buffer.from(hex, 'hex')),
  ],
  check(input) {
    const whole = readProxyHeader(input);
    if (whole.kind === 'need-more') {
      return whole.atLeastBytes > input.length ? undefined : `it wants ${whole.atLeastBytes} of ${input.length} bytes`;
    }
    const again = isDeepStrictEqual(readProxyHeader(Buffer.concat([input, SIGNATURE])), whole);
    if (!again) return 'what follows changes it';
    return whole.kind === 'malformed'
      ? checkMalformed(input)
      : (checkCut(input, whole) ?? checkAddresses(input, whole));
  },
};

/** Anything shorter says neither who it is nor that it is unfit. */
function checkCut(input: Uint8Array, { headerBytes }: Exclude<ProxyHeader, { kind: 'malformed' }>): string | undefined {
  if (headerBytes > input.length) return `a header of ${headerBytes} in ${input.length} bytes`;
  const short = readProxyHeader(input.subarray(0, headerBytes - 1));
  return short.kind === 'need-more' ? undefined : `cut short it is ${short.kind}`;
}

function checkMalformed(input: Uint8Array): string | undefined {
  return LINE.test(Buffer.from(input).toString('latin1')) ? 'a good line is malformed' : undefined;
}

/** Version 1 with addresses in their plainest spelling. */
const LINE = /^PROXY (?:UNKNOWN(?: [^\r]{0,80})?|TCP4 10\.0\.0\.[1-9] 10\.0\.0\.[1-9] [1-9]\d{0,3} [1-9]\d{0,3})\r\n/;

function checkAddresses(input: Uint8Array, whole: ProxyHeader): string | undefined {
  if (whole.kind !== 'client') return undefined;
  const bytes = Buffer.from(input.subarray(0, whole.headerBytes));
  const expected = bytes[0] === 0x0d ? readBinary(bytes) : readLine(bytes);
  const found = [whole.remote, whole.local].map(({ host, port }) => `${host} ${port}`);
  return isDeepStrictEqual(found, expected) ? undefined : `it reads ${found.join()}, not ${String(expected)}`;
}

function readLine(bytes: Buffer): readonly string[] {
  const [, , source = '', destination = '', from = '', to = ''] = bytes.toString('latin1').trimEnd().split(' ');
  return [`${canonical(source)} ${from}`, `${canonical(destination)} ${to}`];
}

function readBinary(bytes: Buffer): readonly string[] {
  const size = bytes[13] === 0x11 ? 4 : 16;
  const hosts = [16, 16 + size].map((at) => {
    const octets = bytes.subarray(at, at + size);
    return canonical(size === 4 ? octets.join('.') : (octets.toString('hex').match(/..../g) ?? []).join(':'));
  });
  const ports = 16 + 2 * size;
  return [`${hosts[0] ?? ''} ${bytes.readUInt16BE(ports)}`, `${hosts[1] ?? ''} ${bytes.readUInt16BE(ports + 2)}`];
}

/** As URLs spell addresses; an IPv4-mapped one is IPv4. */
function canonical(host: string): string {
  const read = readAsUrl(host.includes(':') ? `[${host}]` : host)?.replace(/^\[|\]$/g, '') ?? '';
  const [, high = '', low = ''] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(read) ?? [];
  if (high === '') return read;
  const [first, last] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [first >> 8, first & 255, last >> 8, last & 255].join('.');
}

function seeds(): readonly Uint8Array[] {
  const v4 = 'cb007107c0000201123401bb';
  const v6 = `${'20010db8000000000000000000000007'.repeat(2)}123401bb`;
  const binaries = [
    `2111000c${v4}`,
    `21110012${v4}010003683200`,
    `21210024${v6}`,
    '20000000',
    '21000000',
    `213100d8${'00'.repeat(216)}`,
  ].map((hex) => Buffer.concat([SIGNATURE, Buffer.from(hex, 'hex')]));
  const summed = Buffer.concat([SIGNATURE, Buffer.from(`21110013${v4}03000400000000`, 'hex')]);
  summed.writeUInt32BE(crc32c(summed), summed.length - 4);
  const lines = [
    'PROXY TCP4 10.0.0.1 10.0.0.2 4660 443\r\nCONNECT',
    'PROXY TCP6 2001:db8::1 ::ffff:10.0.0.1 1 65535\r\n',
    'PROXY UNKNOWN\r\n',
    'PROXY UNKNOWN ::1 ::1 1 1\r\n',
  ].map((text) => Buffer.from(text));
  return [...binaries, summed, ...lines];
}
