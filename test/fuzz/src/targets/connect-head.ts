/** The request head: compared with a regular expression of its grammar, and with itself in pieces. */
import { isDeepStrictEqual } from 'node:util';
import { parseConnectRequest } from '../../../../apps/connect-frontend/dist/connect-request.js';
import { type Field } from '../../../../packages/tunnel-server/dist/http/head-lines.js';
import {
  parseRequestHead,
  type RequestHead,
  type RequestHeadResult,
} from '../../../../packages/tunnel-server/dist/http/request-head.js';
import type { FuzzTarget } from '../fuzz-target.ts';
import type { Random } from '../random.ts';
import { headSeeds, headWords } from '../seeds/heads.ts';
import { checkHost } from './host.ts';

/** Small, so that mutated heads often reach it. */
const LIMIT_BYTES = 400;

export const connectHeadTarget: FuzzTarget = {
  seeds: headSeeds,
  dictionary: headWords,
  check(input, random) {
    const whole = parseRequestHead(input, LIMIT_BYTES);
    return checkPieces(input, whole, random) ?? checkGrammar(input, whole) ?? checkRequest(whole);
  },
};

/** The same bytes in pieces come to the same. */
function checkPieces(input: Uint8Array, whole: RequestHeadResult, random: Random): string | undefined {
  const longest = random.pick([1, 2, 16, 200]);
  let resumeAt = 0;
  for (let length = 0; ; length = Math.min(input.length, length + 1 + random.below(longest))) {
    const result = parseRequestHead(input.subarray(0, length), LIMIT_BYTES, resumeAt);
    if (result.kind !== 'need-more' || length === input.length) {
      return isDeepStrictEqual(result, whole) ? undefined : `in pieces it is ${result.kind}, whole ${whole.kind}`;
    }
    if (result.resumeAt < resumeAt || result.resumeAt > length) return `it resumes at ${result.resumeAt} of ${length}`;
    resumeAt = result.resumeAt;
  }
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const GRAMMAR = new RegExp(
  `^(?:\\r\\n)?(${TOKEN}) ([\\x21-\\x7e\\x80-\\xff]+) HTTP/1\\.([01])\\r\\n((?:${TOKEN}:[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n)*)\\r\\n`,
);

function checkGrammar(input: Uint8Array, whole: RequestHeadResult): string | undefined {
  const text = Buffer.from(input.subarray(0, LIMIT_BYTES)).toString('latin1');
  const match = GRAMMAR.exec(text);
  if (whole.kind !== 'head') return match ? `a good head is ${whole.kind}` : undefined;
  if (!match) return 'what is no head is taken for one';
  const [all, method, requestTarget, minor, fieldLines = ''] = match;
  if (all.length !== whole.headBytes) return `the head ends at ${all.length}, not ${whole.headBytes}`;
  const head = { method, requestTarget, version: `1.${minor}`, fields: fieldsOf(fieldLines) };
  return isDeepStrictEqual(whole.head, head) ? undefined : `it reads ${JSON.stringify(whole.head)}`;
}

function fieldsOf(lines: string): Field[] {
  return lines
    .split('\r\n')
    .slice(0, -1)
    .map((line) => {
      const [name = ''] = line.split(':', 1);
      return {
        name: name.toLowerCase(),
        spelling: name,
        value: /[^\t ](?:.*[^\t ])?/.exec(line.slice(name.length + 1))?.[0] ?? '',
      };
    });
}

function checkRequest(whole: RequestHeadResult): string | undefined {
  if (whole.kind !== 'head') return undefined;
  const request = parseConnectRequest(whole.head);
  if (request.kind === 'malformed' && !/^[\x20-\x7e]+$/.test(request.why))
    return 'the reason holds what the client sent';
  return request.kind === 'connect' ? checkAuthority(whole.head, request.destination) : undefined;
}

interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

function checkAuthority({ requestTarget, fields }: RequestHead, destination: HostAndPort): string | undefined {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^:[\]]+):0*([1-9][0-9]{0,4})$/i.exec(requestTarget) ?? [];
  if (host === undefined || Number(port) !== destination.port) return `${requestTarget} is no authority`;
  const body = fields.find(
    ({ name, value }) => name === 'transfer-encoding' || (name === 'content-length' && value !== '0'),
  );
  return body ? `it has a body: ${body.name}` : checkHost(host);
}
