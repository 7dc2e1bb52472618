/** A summary as text for a terminal, as JSON, and as Markdown for the summary of a CI job. */
import { asComment, type Count, type DeniedDestination, destinationText, type Summary } from '@sallyport/policy';

export const SUMMARY_FORMATS: Readonly<Record<string, ((summary: Summary) => string) | undefined>> = {
  text: asText,
  json: (summary) => `${JSON.stringify(summary, null, 2)}\n`,
  markdown: asMarkdown,
};

/** How many rows of each list are shown to people. */
const SHOWN = 25;

const LISTS = [
  ['hosts', 'Host'],
  ['rules', 'Rule'],
  ['users', 'User'],
  ['clients', 'Client'],
] as const;

function asText(summary: Summary): string {
  const lists = LISTS.filter(([list]) => summary[list].length > 0).map(([list, heading]) =>
    textTable(heading, summary[list]),
  );
  const denied = summary.deniedDestinations.slice(0, SHOWN).map((each) => `${denialText(each)}\n  ${each.yaml}\n`);
  const deniedText = denied.length === 0 ? '' : `\nDenied, and what would allow it\n${denied.join('')}`;
  return `${headline(summary)}\n${lists.join('')}${deniedText}${moreText(summary.deniedDestinations)}`;
}

function headline({ allowed, reported, denied, from, to }: Summary): string {
  const span = from === undefined || to === undefined ? '' : `, ${from} to ${to}`;
  const ofThem = reported > 0 ? ` (${reported} of them only by report_only)` : '';
  return `${allowed} allowed${ofThem}, ${denied} denied${span}`;
}

function textTable(heading: string, counts: readonly Count[]): string {
  const shown = counts.slice(0, SHOWN);
  const width = Math.max(heading.length, ...shown.map(({ name }) => asComment(name).length)) + 2;
  const rows = shown.map(({ name, allowed, reported, denied }) =>
    row(width, asComment(name), String(allowed), String(reported), String(denied)),
  );
  return `\n${row(width, heading, 'allowed', 'reported', 'denied')}${rows.join('')}${moreText(counts)}`;
}

function row(width: number, name: string, ...cells: readonly string[]): string {
  return `${name.padEnd(width)}${cells.map((cell) => cell.padStart(10)).join('')}\n`;
}

function moreText(list: readonly unknown[]): string {
  return list.length > SHOWN ? `and ${list.length - SHOWN} more\n` : '';
}

function denialText(denial: DeniedDestination): string {
  const { count, rule, reason, client } = denial;
  const times = count === 1 ? 'once' : `${count} times`;
  return `${destinationText(denial)} ${times}, ${reason}, rule ${asComment(rule)}, lately by ${asComment(client)}`;
}

function asMarkdown(summary: Summary): string {
  const lists = LISTS.filter(([list]) => summary[list].length > 0).map(([list, heading]) =>
    markdownTable([heading, 'allowed', 'reported', 'denied'], countRows(summary[list]), summary[list]),
  );
  const denied = summary.deniedDestinations;
  const rows = denied.slice(0, SHOWN).map((each) => {
    const { count, rule, reason, client } = each;
    return [destinationText(each), String(count), reason, rule, client, `\`${each.yaml}\``];
  });
  const headings = ['Denied', 'times', 'reason', 'rule', 'latest client', 'what would allow it'];
  const table = rows.length === 0 ? [] : [markdownTable(headings, rows, denied)];
  return [`## Egress\n\n${headline(summary)}\n`, ...table, ...lists].join('\n');
}

function countRows(counts: readonly Count[]): readonly (readonly string[])[] {
  return counts
    .slice(0, SHOWN)
    .map(({ name, allowed, reported, denied }) => [name, String(allowed), String(reported), String(denied)]);
}

function markdownTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  whole: readonly unknown[],
): string {
  const lines = [headings, headings.map((_, at) => (at === 0 ? '---' : '---:')), ...rows].map(markdownLine);
  return `${lines.join('\n')}\n${whole.length > SHOWN ? `\n${moreText(whole)}` : ''}`;
}

/** A pipe would end the cell, and text that a client chose must not act as markup. */
function markdownLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => asComment(cell).replace(/[|<>]/g, '\\$&')).join(' | ')} |`;
}
