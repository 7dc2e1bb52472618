/** What `hosts_file` names: a text of patterns, one a line, a million of them. */

/** A line that says something, blanks and comment left off. Numbers and columns count from 1, as editors do. */
export interface HostLine {
  readonly text: string;
  readonly number: number;
  readonly column: number;
}

/** The lines of a list that hold a pattern. A `#` begins a comment; lines end in LF or CR LF. */
export function* hostLines(list: string): Generator<HostLine> {
  let number = 0;
  for (let start = 0; start < list.length;) {
    number++;
    const feed = list.indexOf('\n', start);
    const end = feed < 0 ? list.length : feed;
    const line = list.slice(start, end);
    start = end + 1;
    const text = withoutComment(line).trim();
    if (text !== '') yield { text, number, column: line.indexOf(text) + 1 };
  }
}

function withoutComment(line: string): string {
  const hash = line.indexOf('#');
  return hash < 0 ? line : line.slice(0, hash);
}
