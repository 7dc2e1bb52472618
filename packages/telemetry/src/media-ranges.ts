/** Parses an Accept field (RFC 9110 §12.5.1). */

export interface MediaRange {
  /** `type/subtype`, in lower case; either part may be `*`. */
  readonly type: string;
  /** Names and values in lower case, without the weight. */
  readonly parameters: ReadonlyMap<string, string>;
  /** 0 (never this) to 1. */
  readonly weight: number;
}

/** Malformed parts of the field are ignored. */
export function readMediaRanges(accept: string): readonly MediaRange[] {
  return accept.split(',', MAX_RANGES).map(readRange);
}

/** The weight of the most specific range present. @param types the most specific first */
export function weightOf(ranges: readonly MediaRange[], types: readonly string[]): number {
  for (const type of types) {
    const named = ranges.filter((range) => range.type === type);
    if (named.length > 0) return Math.max(...named.map(({ weight }) => weight));
  }
  return 0;
}

/** Browsers send eight. The head may be 64 KiB of commas. */
const MAX_RANGES = 64;

/** `type/subtype;charset=utf-8;q=0.5`: `q` is the weight, whatever stands before it. */
function readRange(text: string): MediaRange {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim().toLowerCase());
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const [name = '', value = ''] = parameter.split('=', 2);
    if (!parameters.has(name)) parameters.set(name, value);
  }
  const q = parameters.get('q');
  parameters.delete('q');
  return { type, parameters, weight: q === undefined ? 1 : readWeight(q) };
}

function readWeight(text: string): number {
  return /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 0;
}
