/**
 * The script that Redis runs, and its answer. One script counts a whole batch, so that reading and writing are atomic.
 *
 * The places of a client are a hash: one field for each replica, with its count and the time at which the count expires unless it is sent
 * again. A bucket is the time at which it will be full again, as in `TokenBuckets`. All times are by Redis's clock, in milliseconds. One
 * that lies too far ahead was written before that clock was set back.
 */

/** One client's entry in a batch. */
export interface Entry {
  /** The key of the places; undefined where only a token is asked for. */
  readonly placesKey: string | undefined;
  /** Not touched where no place is wanted. */
  readonly bucketKey: string;
  /** Places that this replica holds for certain. */
  readonly held: number;
  /**
   * How many fewer places it holds than the last entry said. Undefined where no request is unanswered: then `held` is all that it holds,
   * whatever Redis has stored.
   */
  readonly left: number | undefined;
  /** How many more it asks for, with a token for each. */
  readonly wanted: number;
  /** The limit of places over all replicas. */
  readonly limit: number;
  /** Tokens a second. Infinity: no limit. */
  readonly rate: number;
}

/**
 * The first `granted` of those asked for are granted. The others may come again after `waitMs`, which is 0 where tokens were not the
 * cause.
 */
export interface Granted {
  readonly granted: number;
  readonly waitMs: number;
}

/** The places of a replica that has died are free again after this time, in milliseconds. */
export const LEASE_MS = 45_000;

/**
 * In Lua. Its keys and arguments are those of {@link encodeBatch}, its answer is read by {@link decodeAnswers}. An entry without places
 * has the key of its bucket twice: a user of Redis may be held to keys of a prefix, which an empty key does not have.
 */
export const COUNT_SCRIPT = `
local replica, lease = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000

local function count(key)
  local own, others = 0, 0
  local stored = redis.call('HGETALL', key)
  for at = 1, #stored, 2 do
    local places, lapses = string.match(stored[at + 1], '^(%d+) (%d+)$')
    lapses = tonumber(lapses) or 0
    if lapses < now or lapses > now + 2 * lease then
      redis.call('HDEL', key, stored[at])
    elseif stored[at] == replica then
      own = tonumber(places)
    else
      others = others + tonumber(places)
    end
  end
  return own, others
end

local function take(key, wanted, interval, burst)
  if wanted == 0 or interval == 0 then return wanted, 0 end
  local full = math.min(math.max(tonumber(redis.call('GET', key) or now), now), now + burst)
  local taken = math.min(wanted, math.floor((now + burst - full) / interval + 0.001))
  if taken > 0 then
    full = full + taken * interval
    redis.call('SET', key, string.format('%.3f', full), 'PX', string.format('%.0f', math.ceil(full - now)))
  end
  if taken == wanted then return taken, 0 end
  return taken, math.ceil(full + interval - burst - now)
end

local answers = {}
for at = 1, #KEYS, 2 do
  local argument = at * 3
  local held, left = tonumber(ARGV[argument]), tonumber(ARGV[argument + 1])
  local wanted, limit = tonumber(ARGV[argument + 2]), tonumber(ARGV[argument + 3])
  local interval, burst = tonumber(ARGV[argument + 4]), tonumber(ARGV[argument + 5])
  local places, bucket = KEYS[at], KEYS[at + 1]
  local granted, wait
  if places == bucket then
    granted, wait = take(bucket, wanted, interval, burst)
  else
    local own, others = held, 0
    if wanted > 0 or left >= 0 then
      own, others = count(places)
      if left < 0 then own = held else own = math.max(own - left, held) end
    end
    local room = math.max(0, math.min(wanted, limit - others - own))
    granted, wait = take(bucket, room, interval, burst)
    own = own + granted
    if own > 0 then
      redis.call('HSET', places, replica, string.format('%.0f %.0f', own, now + lease))
      redis.call('PEXPIRE', places, lease)
    else
      redis.call('HDEL', places, replica)
    end
  end
  answers[at], answers[at + 1] = granted, wait
end
return answers
`;

/** The keys and arguments of a batch. */
export function encodeBatch(replica: string, entries: readonly Entry[]): { keys: string[]; args: string[] } {
  const keys: string[] = [];
  const args = [replica, String(LEASE_MS)];
  for (const { bucketKey, placesKey = bucketKey, held, left = -1, wanted, limit, rate } of entries) {
    keys.push(placesKey, bucketKey);
    // A burst is one second's worth, and at least one token.
    const [interval, burst] = rate === Infinity ? [0, 0] : [1000 / rate, Math.max(1000, 1000 / rate)];
    for (const value of [held, left, wanted, limit, interval, burst]) args.push(String(value));
  }
  return { keys, args };
}

/** Throws where the reply is not an answer to so many entries. */
export function decodeAnswers(reply: unknown, count: number): Granted[] {
  const numbers: unknown[] = Array.isArray(reply) ? reply : [];
  return Array.from({ length: count }, (_, index) => {
    const [granted, waitMs] = [numbers[2 * index], numbers[2 * index + 1]];
    if (typeof granted !== 'number' || typeof waitMs !== 'number') throw new Error('Redis gave no such answer');
    return { granted, waitMs };
  });
}
