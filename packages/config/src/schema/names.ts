/** The names of listeners and egresses: words of the log, and labels of metrics. */
import { ok, type Read } from '../units.ts';

/** For the JSON Schema, too. */
export const NAME_PATTERN = '^[a-z0-9_-]+$';

/** A name of a listener. */
export function readName(text: string): Read<string> {
  if (new RegExp(NAME_PATTERN).test(text)) return ok(text);
  return { kind: 'malformed', why: `expected a name of a-z, 0-9, _ and -, got ${JSON.stringify(text)}` };
}

const LONGEST_EGRESS_NAME = 100;

/** A name of an egress, which has a limit. */
export function readEgressName(text: string): Read<string> {
  const name = readName(text);
  if (name.kind === 'malformed' || text.length <= LONGEST_EGRESS_NAME) return name;
  const why = `a name has up to ${LONGEST_EGRESS_NAME} characters, and this one ${text.length}; shorten it`;
  return { kind: 'malformed', why };
}
