/**
 * Reads the file that `hosts_file` names: patterns, one a line, up to millions; or one of three common formats, recognised by the content:
 * a hosts file, domain lines of ad blockers (`||name^`), a response policy zone. Read this first.
 */
import { readAdblockLine } from './adblock-list.ts';
import { readHostsLine } from './hosts-lines.ts';
import { createZoneReader } from './policy-zone.ts';

/** A pattern, as text, or what is wrong with a line. Numbers and columns count from 1, as editors do. */
export interface HostLine {
  readonly text: string;
  readonly number: number;
  readonly column: number;
  /** In place of a pattern: a clause on the line. */
  readonly problem?: string;
}

/** The result of one line of a list: patterns (none for a comment), or a clause on what is wrong. */
export type ListLine = readonly string[] | { readonly problem: string };

type Form = 'a list of names' | 'a hosts file' | 'an ad blocker list' | 'a response policy zone';

/**
 * The patterns of a list. A line of another form than the lines before it is a problem. In a list of names, and in a hosts file, `#`
 * begins a comment. Lines end in LF or CR LF.
 */
export function* hostLines(list: string): Generator<HostLine> {
  let form: Form | undefined;
  let number = 0;
  const readZoneLine = createZoneReader();
  for (let start = 0; start < list.length;) {
    number++;
    const feed = list.indexOf('\n', start);
    const end = feed < 0 ? list.length : feed;
    const line = list.slice(start, end);
    start = end + 1;
    const text = (form === 'a response policy zone' ? line : withoutComment(line)).trim();
    if (text === '') continue;
    const here = formOf(text, form);
    const at = { number, column: line.indexOf(text) + 1 };
    form ??= here;
    if (here !== form) yield { ...at, text, problem: `is a line of ${here} in ${form}; split the file` };
    else if (form === 'a list of names') yield { ...at, text };
    else yield* spread(form === 'a response policy zone' ? readZoneLine(line) : READERS[form](text), text, at);
  }
}

const READERS = { 'a hosts file': readHostsLine, 'an ad blocker list': readAdblockLine };

/** The form of a line. A line of several forms counts as one of the list's form. */
function formOf(text: string, form: Form | undefined): Form {
  if (form === 'a response policy zone') return isZoneLine(text) || /\s/.test(text) ? form : formOf(text, undefined);
  // Nearly all of a million lines are only a name.
  if (!/[\s|!;$[@(]/.test(text)) return 'a list of names';
  if (/^(?:\|\||@@|!|\[)/.test(text)) return 'an ad blocker list';
  if (isZoneLine(text)) return 'a response policy zone';
  return /^[0-9a-f.:]+(?:%\S+)?\s/i.test(text) ? 'a hosts file' : 'a list of names';
}

function isZoneLine(text: string): boolean {
  return /^(?:;|\$(?:TTL|ORIGIN|INCLUDE)\s|@\s)/i.test(text) || /\s(?:CNAME|SOA|NS|TXT|A|AAAA)\s/i.test(text);
}

function* spread(read: ListLine, text: string, at: { number: number; column: number }): Generator<HostLine> {
  if ('problem' in read) yield { ...at, text, problem: read.problem };
  else for (const pattern of read) yield { ...at, text: pattern };
}

function withoutComment(line: string): string {
  const hash = line.indexOf('#');
  return hash < 0 ? line : line.slice(0, hash);
}
