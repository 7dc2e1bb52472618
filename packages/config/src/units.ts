/**
 * How quantities are written in the configuration: durations, sizes, rates, ports.
 *
 * Every reader here takes text. It returns a value, or a message for the author of the file that says why not.
 */

/** The result of reading a text; `why` names the cause and the remedy. */
export type Read<Value> =
  { readonly kind: 'ok'; readonly value: Value } | { readonly kind: 'malformed'; readonly why: string };

/** Ports `from` to `to`, both included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Node's timers hold 31 bits of milliseconds, and fire at once above that. 596h is the last whole hour below. */
export const LONGEST_TIMER_MS = 596 * 3_600_000;

/** The form of a duration, for JSON Schema. */
export const DURATION_PATTERN = '^[0-9]+(ms|s|m|h)$';

const MILLISECONDS = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** Reads `500ms`, `10s`, `5m` or `1h` into milliseconds. */
export function readDuration(text: string): Read<number> {
  return readQuantity(text, MILLISECONDS) ?? malformed(text, 'a duration such as 500ms, 10s, 5m or 1h');
}

/** The form of a size with its unit, for JSON Schema. */
export const SIZE_PATTERN = '^[0-9]+(B|KiB|MiB|GiB)?$';

const BYTES = new Map([
  ['B', 1],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
]);

/** Reads `64KiB` or `1MiB` into bytes. */
export function readSize(text: string): Read<number> {
  return readQuantity(text, BYTES) ?? malformed(text, 'a size such as 64KiB or 1MiB, or plain bytes');
}

/** The form of a whole number, for JSON Schema. */
export const COUNT_PATTERN = '^[0-9]+$';

/** Reads a whole number, as it comes from the environment. */
export function readCount(text: string): Read<number> {
  const count = new RegExp(COUNT_PATTERN).test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(count) ? ok(count) : malformed(text, 'a whole number');
}

/** The form of a rate, for JSON Schema. */
export const RATE_PATTERN = '^[1-9][0-9]*/s$';

/** Reads `200/s` into a number a second. */
export function readRate(text: string): Read<number> {
  const perSecond = new RegExp(RATE_PATTERN).test(text) ? Number(text.slice(0, -'/s'.length)) : Number.NaN;
  return Number.isSafeInteger(perSecond) ? ok(perSecond) : malformed(text, 'off or a rate such as "200/s"');
}

/** The form of a port or a range of ports, for JSON Schema. */
export const PORTS_PATTERN = '^[0-9]{1,5}(-[0-9]{1,5})?$';

/** Reads `443` or `8000-8999`. */
export function readPorts(text: string): Read<PortRange> {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const from = readPort(first ?? '');
  const to = readPort(last ?? '');
  if (from === undefined || to === undefined)
    return malformed(text, 'a port from 1 to 65535 or a range such as "8000-8999"');
  if (from > to) return { kind: 'malformed', why: `the range ends before it begins; write "${to}-${from}"` };
  return ok({ from, to });
}

/** Reads a decimal port, 1 to 65535 (or from `lowest`). */
export function readPort(text: string, lowest = 1): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port >= lowest && port <= 65_535 ? port : undefined;
}

/** The result with a value. */
export function ok<Value>(value: Value): Read<Value> {
  return { kind: 'ok', value };
}

/** The result for text that is not `what` it should be. */
export function malformed(text: string, what: string): Read<never> {
  return { kind: 'malformed', why: `expected ${what}, got ${JSON.stringify(text)}` };
}

function readQuantity(text: string, units: ReadonlyMap<string, number>): Read<number> | undefined {
  const [, digits, unit] = /^(\d+)([A-Za-z]+)$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : units.get(unit);
  if (factor === undefined) return undefined;
  const quantity = Number(digits) * factor;
  return Number.isSafeInteger(quantity) ? ok(quantity) : { kind: 'malformed', why: `${text} is too large` };
}

/** Whether a value that is not yet checked says true or false, as text too: values of the environment are text. */
export function isFlag(value: unknown, flag: boolean): boolean {
  return value === flag || value === String(flag);
}
