/**
 * Reads the file that `hosts_file` names: patterns, one a line, up to millions; among them lines of hosts files and of ad blockers
 * (`||name^`); or a response policy zone. Read this first.
 */
import { readAdblockLine } from './adblock-list.ts';
import { beginsWithAddress, readHostsLine } from './hosts-lines.ts';
import type { ListLine } from './list-line.ts';
import { createZoneReader, isZoneLine } from './policy-zone.ts';

/** A pattern, as text, or what is wrong with a line. Numbers and columns count from 1, as editors do. */
export interface HostLine {
  readonly text: string;
  readonly number: number;
  readonly column: number;
  /** In place of a pattern: a clause on the line. */
  readonly problem?: string;
}

const FILTERS = 'an ad blocker list';
const ZONE = 'a response policy zone';

type Form = 'a list of names' | 'a hosts file' | typeof FILTERS | typeof ZONE;

/**
 * The patterns of a list. Names, lines of a hosts file and of an ad blocker may stand in one list. A zone is a list of its own, for its
 * names depend on the lines before. `#` begins a comment, but in a zone. Lines end in LF or CR LF.
 */
export function* hostLines(list: string): Generator<HostLine> {
  for (const line of walkLines(list)) if (line) yield line;
}

/** The same, with `undefined` for each line that lists nothing: a walk that may be interrupted between any two lines. */
export function* walkLines(list: string): Generator<HostLine | undefined> {
  let form: Form | undefined;
  let hasFilters = false;
  let number = 0;
  const readZoneLine = createZoneReader();
  for (let start = 0; start < list.length;) {
    number++;
    const feed = list.indexOf('\n', start);
    const end = feed < 0 ? list.length : feed;
    const line = list.slice(start, end);
    start = end + 1;
    const text = (form === ZONE ? line : withoutComment(line, hasFilters)).trim();
    // A comment of a zone. Some lists of names begin with one, too.
    if (text === '' || text.startsWith(';')) {
      yield undefined;
      continue;
    }
    const here = formOf(text, form);
    const at = { number, column: line.indexOf(text) + 1 };
    form ??= here;
    hasFilters ||= here === FILTERS;
    if ((here === ZONE) !== (form === ZONE))
      yield { ...at, text, problem: `is a line of ${here} in ${form}; split the file` };
    else if (here === 'a list of names') yield { ...at, text };
    else yield* spread(here === ZONE ? readZoneLine(line) : READERS[here](text), text, at);
  }
}

const READERS = { 'a hosts file': readHostsLine, [FILTERS]: readAdblockLine };

/** The form of a line. In a zone, all with a blank or a parenthesis in it belongs to the zone. */
function formOf(text: string, form: Form | undefined): Form {
  if (form === ZONE) return /[\s()]/.test(text) ? form : formOf(text, undefined);
  // Nearly all of a million lines are only a name.
  if (!/[\s|!;$[@(]/.test(text)) return 'a list of names';
  if (/^(?:\|\||@@|!|\[)/.test(text)) return FILTERS;
  // Aliases such as `ns` are types of records, too.
  if (beginsWithAddress(text)) return 'a hosts file';
  if (isZoneLine(text)) return ZONE;
  return /^[0-9a-f.:]+(?:%\S+)?\s/i.test(text) ? 'a hosts file' : 'a list of names';
}

function* spread(
  read: ListLine,
  text: string,
  at: { number: number; column: number },
): Generator<HostLine | undefined> {
  if ('problem' in read) yield { ...at, text, problem: read.problem };
  else if (read.length === 0) yield undefined;
  else for (const pattern of read) yield { ...at, text: pattern };
}

/** Beside the filters of an ad blocker, `name##.class` hides something on the pages of a name, so a comment there begins behind a blank. */
function withoutComment(line: string, hasFilters: boolean): string {
  const hash = hasFilters ? line.search(/(?<=^|\s)#/) : line.indexOf('#');
  return hash < 0 ? line : line.slice(0, hash);
}
