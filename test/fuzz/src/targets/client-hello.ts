/** The ClientHello: compared with parsers that are more lenient than ours, and with itself in pieces. */
import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { createHelloScan } from '../../../../apps/ssl-preread-frontend/dist/read-hello.js';
import type { FuzzTarget } from '../fuzz-target.ts';
import type { Random } from '../random.ts';
import { helloSeeds, helloWords } from '../seeds/hellos.ts';
import { checkHost } from './host.ts';

type Scanned = ReturnType<ReturnType<typeof createHelloScan>>;

export const clientHelloTarget: FuzzTarget = {
  seeds: helloSeeds,
  dictionary: helloWords,
  check(input, random) {
    const whole = createHelloScan()(input);
    return checkPieces(input, whole, random) ?? checkMeaning(input, whole);
  },
};

function checkPieces(input: Uint8Array, whole: Scanned, random: Random): string | undefined {
  const scan = createHelloScan();
  // Byte by byte, a hello of 2 KB costs as much as a hundred others.
  const longest = input.length < 400 ? random.pick([1, 2, 30]) : 200;
  for (let length = 0; ; length = Math.min(input.length, length + 1 + random.below(longest))) {
    const result = scan(input.subarray(0, length));
    if (result.kind === 'need-more' && result.atLeastBytes <= length)
      return `it wants ${result.atLeastBytes} of ${length}`;
    if (result.kind !== 'need-more' || length === input.length) {
      return isDeepStrictEqual(result, whole) ? undefined : `in pieces it is ${result.kind}, whole ${whole.kind}`;
    }
  }
}

/** Where there is a name, every reader finds that one; where there is none, no reader finds any. */
function checkMeaning(input: Uint8Array, whole: Scanned): string | undefined {
  if (whole.kind === 'malformed' && !/^[\x20-\x7e]+$/.test(whole.why)) return 'the reason holds what the client sent';
  if (whole.kind !== 'hello') return undefined;
  const { sni, literal } = whole.hello;
  const names = input[0] === 22 ? readAnyNames(gatherHandshake(input)) : [];
  if (literal !== undefined) {
    return names.length === 1 && isIP(names.join().replace(/^\[|\]$/g, '')) > 0 ? undefined : `${literal} is not alone`;
  }
  const others = names.map((name) => name.toLowerCase().replace(/\.$/, '')).filter((name) => name !== sni);
  if (others.length > 0) return `others read ${JSON.stringify(others)}, we ${sni}`;
  if (sni === undefined) return undefined;
  return names.length === 1 ? checkHost(sni) : `there are ${names.length} names`;
}

/** All fragments of handshake records, however they go on. */
function gatherHandshake(input: Uint8Array): Buffer {
  const bytes = Buffer.from(input);
  const fragments: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === 22; at += 5 + bytes.readUInt16BE(at + 3)) {
    fragments.push(bytes.subarray(at + 5, at + 5 + bytes.readUInt16BE(at + 3)));
  }
  return Buffer.concat(fragments);
}

/** Every host_name in every server_name extension, nothing checked. */
function readAnyNames(handshake: Buffer): string[] {
  const message = handshake.subarray(4, 4 + handshake.readUIntBE(1, 3));
  const sessionIdEnd = 35 + (message[34] ?? 0);
  const cipherSuitesEnd = sessionIdEnd + 2 + message.readUInt16BE(sessionIdEnd);
  const extensionsAt = cipherSuitesEnd + 1 + (message[cipherSuitesEnd] ?? 0) + 2;
  const names: string[] = [];
  for (let at = extensionsAt; at + 4 <= message.length; at += 4 + message.readUInt16BE(at + 2)) {
    if (message.readUInt16BE(at) === 0)
      names.push(...readNames(message.subarray(at + 4, at + 4 + message.readUInt16BE(at + 2))));
  }
  return names;
}

function readNames(extension: Buffer): string[] {
  const names: string[] = [];
  for (let at = 2; at + 3 <= extension.length; at += 3 + extension.readUInt16BE(at + 1)) {
    names.push(extension.toString('latin1', at + 3, at + 3 + extension.readUInt16BE(at + 1)));
  }
  return names;
}
