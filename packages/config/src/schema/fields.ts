/** The parts of the schema: sections that accept known keys only, and values whose errors say what was expected. */
import * as z from 'zod';
import type { Network } from '@sallyport/addresses';
import { NO_NUL, readNetwork } from '../addresses.ts';
import { didYouMean } from '../suggest.ts';
import {
  COUNT_PATTERN,
  DURATION_PATTERN,
  LONGEST_TIMER_MS,
  malformed,
  ok,
  type Read,
  readCount,
  readDuration,
  readSize,
  SIZE_PATTERN,
} from '../units.ts';

// Before the first section is made, for each remembers it. A file is read once: code that zod would compile for it takes 13 ms of a start,
// and reads even 5,000 rules no faster.
z.config({ jitless: true });

/** Zod hands what is wrong in a map or list on as the arguments of one call, and the stack has room for twice as many. */
const MOST_PROBLEMS = 60_000;

/** A map of known keys. Every other key is an issue of its own, with the closest known one as a suggestion. */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z
    .strictObject(shape, { error: ({ input }) => expected('a map of keys')({ input }) + hintAtSpace(input, known) })
    .superRefine((_, context) => replaceUnknownKeys(context.issues, known), { when: () => true })
    .superRefine(...asManyAsCanBeTold());
}

/** For `superRefine` of every map and list: of more problems in it than zod can hand on, one is told. */
export function asManyAsCanBeTold() {
  const check = (_: unknown, context: z.core.$RefinementCtx): void => {
    if (context.issues.length <= MOST_PROBLEMS) return;
    context.issues.length = 0;
    context.addIssue('more values are wrong than can be told; is it the right file?');
  };
  return [check, { when: () => true }] as const;
}

/** For YAML, `key:value` is a word, and `key:{ … }` the beginning of a longer key. A no-break space is a letter like others. */
export function hintAtSpace(text: unknown, known: readonly string[]): string {
  if (typeof text === 'string' && text !== text.trim() && known.includes(text.trim()))
    return `; there is a space beside "${text.trim()}" that is not a plain one`;
  const [, key = ''] = typeof text === 'string' ? (/^([a-z_]+):/.exec(text) ?? []) : [];
  return known.includes(key) ? `; write a space after "${key}:"` : '';
}

/** One of a few words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  ...words: Words
): z.ZodEnum<z.util.ToEnum<Words[number]>> {
  return z.enum(words, {
    error: ({ input }) => {
      const hint = typeof input === 'string' ? didYouMean(input, words) : '';
      return `${expected(words.join(' or '))({ input })}${hint}`;
    },
  });
}

/** Text in a form of its own, turned into a value by `read`. */
export function written<Value>(what: string, read: (text: string) => Read<Value>, pattern?: string) {
  return z
    .string({ error: expectedText(what, (text) => read(text).kind === 'ok') })
    .meta(pattern === undefined ? {} : { pattern })
    .transform((text, context): Value => {
      const result = read(text);
      if (result.kind === 'ok') return result.value;
      context.addIssue(result.why);
      return z.NEVER;
    });
}

/** Milliseconds. A value beyond what a timer can hold is allowed only by `longestMs`. */
export function duration({ shortestMs = 1, longestMs = LONGEST_TIMER_MS } = {}) {
  const read = (text: string): Read<number> => bounded(readDuration(text), shortestMs, longestMs);
  return written('a duration such as 10s', read, DURATION_PATTERN);
}

/** A decade, for a span that is not a timer. */
const DECADE_MS = 87_600 * 3_600_000;

/** Milliseconds, or Infinity for `off`. */
export function durationOrOff({ longestMs = DECADE_MS } = {}) {
  const what = 'off or a duration such as 10s';
  const read = (text: string): Read<number> => {
    if (text === 'off') return ok(Infinity);
    if (!new RegExp(DURATION_PATTERN).test(text)) return malformed(text, what);
    return bounded(readDuration(text), 1, longestMs);
  };
  return written(what, read, `^off$|${DURATION_PATTERN}`);
}

/** Bytes, given as a number or with a unit. */
export function size({ lowest, highest, range }: { lowest: number; highest: number; range: string }) {
  const read = (text: string): Read<number> => (/^\d+$/.test(text) ? readCount(text) : readSize(text));
  return quantity(`a size such as 16KiB, from ${range}`, { lowest, highest, read, pattern: SIZE_PATTERN });
}

/** How many of something; at least one. */
export function count() {
  const highest = 2 ** 31 - 1;
  return quantity(`a whole number from 1 to ${highest}`, { lowest: 1, highest });
}

/** A TCP port. */
export function port() {
  return quantity('a port from 1 to 65535', { lowest: 1, highest: 65_535 });
}

/** True or false, also as text, for values of the environment are text. */
export function flag() {
  const what = 'true or false';
  const read = (text: string): Read<boolean> =>
    text === 'true' || text === 'false' ? ok(text === 'true') : malformed(text, what);
  return z.union([z.boolean({ error: expected(what) }), written(what, read, '^(true|false)$')]);
}

/** A list; `what` names its items. */
export function list<Item extends z.ZodType>(what: string, item: Item): z.ZodArray<Item> {
  const error = ({ input }: { readonly input?: unknown }): string =>
    `${expected(`a list of ${what}`)({ input })}${isOneValue(input) ? '; put it in [ ]' : ''}`;
  return z.array(item, { error }).superRefine(...asManyAsCanBeTold());
}

function isOneValue(input: unknown): boolean {
  return input !== undefined && input !== null && typeof input !== 'object';
}

/** Networks: names in `sets`, CIDRs and addresses. */
export function networks(sets: readonly string[]) {
  return list(
    'networks',
    written<Network>('a network such as 10.0.0.0/8', (text) => readNetwork(text, sets)),
  );
}

/** Makes the message for a missing value, or one that is not `what` it should be. */
export function expected(what: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => {
    if (input === undefined) return `missing; give ${what}`;
    if (input === null) return `expected ${what}, got nothing; give it a value, or remove it`;
    // Programs that write YAML 1.1 (Helm, Ansible) turn off into false.
    const isOff = input === false && what.startsWith('off or ');
    return `expected ${what}, got ${show(input)}${isOff ? '; put off in quotes, for YAML 1.1 reads it as false' : ''}`;
  };
}

/** The same for text. A number or a boolean that would do as text lacks its quotes. */
export function expectedText(
  what: string,
  wouldDo: (text: string) => boolean = () => true,
): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => {
    const isUnquoted = (typeof input === 'number' || typeof input === 'boolean') && wouldDo(String(input));
    return `${expected(what)({ input })}${isUnquoted ? '; put it in quotes' : ''}`;
  };
}

/** A value in a message: short, and in one line. */
function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  // Booleans and numbers as in YAML; JSON has no Infinity.
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** Tells what no path can be. Whoever writes a key in the place of its path is not to have it in a message, and so in the log. */
export function checkPath(path: string, context: z.core.$RefinementCtx): void {
  if (path.includes('\0')) context.addIssue(NO_NUL);
  else if (/[\r\n]|^\s*-----BEGIN /.test(path))
    context.addIssue('expected the path of a file, got what a file holds; save it in one, and give the path of that');
}

interface QuantityOptions {
  readonly lowest: number;
  readonly highest: number;
  readonly read?: (text: string) => Read<number>;
  readonly pattern?: string;
}

/** A number within bounds, also as text, for values of the environment are text. */
export function quantity(
  what: string,
  { lowest, highest, read = readCount, pattern = COUNT_PATTERN }: QuantityOptions,
) {
  const error = expected(what);
  const readWithin = (text: string): Read<number> => {
    const result = read(text);
    const isWithin = result.kind === 'ok' && result.value >= lowest && result.value <= highest;
    return isWithin ? result : malformed(text, what);
  };
  return z.union([z.int({ error }).min(lowest, { error }).max(highest, { error }), written(what, readWithin, pattern)]);
}

function bounded(read: Read<number>, shortestMs: number, longestMs: number): Read<number> {
  if (read.kind === 'malformed') return read;
  if (read.value < shortestMs) {
    const shortest = shortestMs < 1_000 ? `${shortestMs}ms` : `${shortestMs / 1_000}s`;
    return { kind: 'malformed', why: `too short; at least ${shortest}` };
  }
  if (read.value > longestMs) return { kind: 'malformed', why: `too long; at most ${longestMs / 3_600_000}h` };
  return read;
}

function replaceUnknownKeys(issues: z.core.$ZodRawIssue[], known: readonly string[]): void {
  const unknown = issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []));
  const others = issues.filter((issue) => issue.code !== 'unrecognized_keys');
  issues.length = 0;
  // One at a time: as arguments of one call, a hundred thousand do not fit the stack.
  for (const issue of [...others, ...unknown.map((key) => markUnknownKey(key, known))]) issues.push(issue);
}

/** Marks the issue of an unknown key: its place is the key, not the value. What else may be told of it needs the whole schema. */
export interface UnknownKey {
  readonly unknownKey: string;
  readonly known: readonly string[];
}

export function isUnknownKey(params: unknown): params is UnknownKey {
  return typeof params === 'object' && params !== null && 'unknownKey' in params;
}

function markUnknownKey(unknownKey: string, known: readonly string[]): z.core.$ZodRawIssue {
  const params = { unknownKey, known } satisfies UnknownKey;
  return {
    code: 'custom',
    path: [unknownKey],
    input: undefined,
    message: `unknown key ${JSON.stringify(unknownKey)}`,
    params,
  };
}
