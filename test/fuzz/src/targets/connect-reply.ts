/** A parent's answer to CONNECT: compared with a regular expression of its grammar, and with itself in pieces. */
import { isDeepStrictEqual } from 'node:util';
import { type ConnectReply, ConnectReplyScan } from '../../../../packages/tunnel-server/dist/egress/connect-reply.js';
import type { FuzzTarget } from '../fuzz-target.ts';
import type { Random } from '../random.ts';

type Found = ReturnType<ConnectReplyScan['look']>;

export const connectReplyTarget: FuzzTarget = {
  seeds: [
    'HTTP/1.1 200 Connection established\r\n\r\n',
    'HTTP/1.0 200\r\nServer: x\r\n\r\nSSH-2.0-x\r\n',
    'HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nearly',
    'HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\nServer: old\n\nx',
    'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n',
    '\r\nHTTP/1.1 200 OK\r\n\r\n',
    'HTTP/2 200 OK\r\n\r\n',
    '220 mail ESMTP\r\n',
  ].map((text) => Buffer.from(text)),
  dictionary: [
    'HTTP/1.1 ',
    'HTTP/1.0 200',
    'HTTP/1.2 \t200',
    ' 100 ',
    ' 204 ',
    '\r\n',
    '\n',
    '\r',
    '\r\n\r\n',
    '\n\n',
    '\0',
    ' ',
    'X: y',
  ].map((text) => Buffer.from(text)),
  check(input, random) {
    const whole = new ConnectReplyScan().look(input);
    return checkPieces(input, whole, random) ?? checkGrammar(input, whole);
  },
};

function checkPieces(input: Uint8Array, whole: Found, random: Random): string | undefined {
  const scan = new ConnectReplyScan();
  const longest = random.pick([1, 2, 16, 200]);
  for (let length = 0; ; length = Math.min(input.length, length + 1 + random.below(longest))) {
    const found = scan.look(input.subarray(0, length));
    if (found.kind !== 'need-more' || length === input.length)
      return isDeepStrictEqual(found, whole) ? undefined : `in pieces it is ${found.kind}, whole ${whole.kind}`;
    if (found.atLeastBytes <= length) return `it wants ${found.atLeastBytes} of ${length} bytes`;
  }
}

const FIELDS = '(?:(?!\\r?\\n)[^\\n\\0]*\\n)*\\r?\\n';

/** @param status its digits, as a pattern */
const head = (status: string): string =>
  `(?:\\r?\\n)?HTTP/1\\.[0-9][ \\t]+${status}(?:[ \\t][^\\r\\n\\0]*)?\\r?\\n${FIELDS}`;

/** Heads of 1xx, then one of another status, each behind an empty line or not. A line ends in LF, with a CR before it or not. */
const HEADS = new RegExp(`^(?:${head('1(?!01)[0-9]{2}')})*${head('([2-9][0-9]{2})')}`);

function checkGrammar(input: Uint8Array, whole: Found): string | undefined {
  const match = HEADS.exec(Buffer.from(input).toString('latin1'));
  if (!match)
    return whole.kind === 'opened' || whole.kind === 'refused' ? 'what is no answer is taken for one' : undefined;
  const [heads, text] = match;
  const status = Number(text);
  const expected: ConnectReply =
    status < 300 ? { kind: 'opened', headBytes: heads.length } : { kind: 'refused', status };
  return isDeepStrictEqual(whole, expected) ? undefined : `it is ${JSON.stringify(whole)}`;
}
