/** What a program showed of a refusal, as a row. */

export interface Shown {
  readonly line: string;
  readonly shows: 'the sentence' | 'a status line without its sentence' | 'the status' | 'the alert' | 'neither';
}

/** Finds the line that tells, and whether it has what the door said: `HTTP/1.1 403 Forbidden (No rule allows …)`. */
export function readShown(output: string, statusLine: string): Shown {
  // Python writes the text of an error as a string of its language, with backslashes where it has both kinds of quotes.
  const lines = output.split('\n').map((line) => line.trim().replaceAll("\\'", "'"));
  const [, status = '', title = '', sentence = ''] = /^\S+ (\d+) ([^(]*) \((.*)\)$/u.exec(statusLine) ?? [];
  const has = (part: string): string | undefined =>
    part === '' ? undefined : lines.find((line) => line.includes(part));
  const full = has(sentence);
  if (full !== undefined) return { line: full, shows: 'the sentence' };
  const cut = has(`${status} ${title}`.trim());
  if (cut !== undefined) return { line: cut, shows: 'a status line without its sentence' };
  const alert = lines.findLast((line) => /access.*denied|name.*recogni[sz]ed|unrecogni[sz]ed.name/iu.test(line));
  if (alert !== undefined && statusLine === '') return { line: alert, shows: 'the alert' };
  // What browsers call it.
  const code = lines.find((line) => /^(?:net::)?ERR_[A-Z_]+$|Error code: [A-Z_]+/u.test(line));
  if (code !== undefined) return { line: code, shows: 'neither' };
  const bare = lines.findLast((line) => /\b(?:4\d\d|50\d)\b/u.test(line));
  if (bare !== undefined && statusLine !== '') return { line: bare, shows: 'the status' };
  return { line: lines.findLast((line) => line !== '') ?? '', shows: 'neither' };
}

/** Of the version line, what it was built with is left out. */
export function printHeading(client: string, versionLine: string): void {
  const version = versionLine.replace(/ (?:\(|from |built on ).*$/u, '');
  process.stdout.write(`\n**${client}** (${version})\n\n| refusal | shows | prints |\n| --- | --- | --- |\n`);
}

export function printRow(refusal: string, { line, shows }: Shown): void {
  process.stdout.write(`| ${refusal} | ${shows} | \`${line.replaceAll('|', '\\|').slice(0, LINE_CHARACTERS)}\` |\n`);
}

const LINE_CHARACTERS = 400;
