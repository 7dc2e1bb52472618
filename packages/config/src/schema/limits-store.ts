/** Where limits are counted. */
import * as z from 'zod';
import { ok, type Read } from '../units.ts';
import { expected, oneOf, section, written } from './fields.ts';

const WHAT = 'redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// for TLS';

const PREFIX_PATTERN = '^[A-Za-z0-9._:-]{1,100}$';

const redisStore = section({
  redis: written(WHAT, readRedisUrl, '^rediss?://').describe('The Redis that counts for all replicas.'),
  prefix: written('a word of letters, digits and . _ : -', readPrefix, PREFIX_PATTERN)
    .describe('The beginning of all key names. Replicas with the same prefix count together.')
    .prefault('sallyport'),
  on_failure: oneOf('local').describe('While Redis is away or slow, each replica counts by itself.').prefault('local'),
});

/** `local`, or a Redis that counts for all replicas. */
export const limitsStore = z.union([
  redisStore,
  z.literal('local', { error: expected('local, or a map such as { redis: "redis://redis:6379" }') }),
]);

/** The text may contain a password: no message repeats it. */
function readRedisUrl(text: string): Read<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isRedis = url?.protocol === 'redis:' || url?.protocol === 'rediss:';
  if (!isRedis || url.hostname === '') return { kind: 'malformed', why: `expected ${WHAT}` };
  if (url.port === '0') return { kind: 'malformed', why: 'the port is not between 1 and 65535' };
  if (!isDecodable(url.username) || !isDecodable(url.password))
    return {
      kind: 'malformed',
      why: 'a % in the user name or the password begins an escape such as %40; write %25 for the sign itself',
    };
  if (!/^\/?$|^\/\d{1,5}$/.test(url.pathname) || url.search !== '' || url.hash !== '')
    return {
      kind: 'malformed',
      why: 'what follows the host is a port, and / with the number of a database; nothing else',
    };
  return ok(text);
}

/** Whether it is percent-encoded UTF-8 (RFC 3986 §2.1). */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    // Its only way to refuse.
    return false;
  }
}

function readPrefix(text: string): Read<string> {
  if (new RegExp(PREFIX_PATTERN).test(text)) return ok(text);
  return { kind: 'malformed', why: `expected a word of letters, digits and . _ : -, got ${JSON.stringify(text)}` };
}
