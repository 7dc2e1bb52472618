/** Results as Markdown. */
import type { Results, Row } from './run-interleaved.ts';
import type { Column, Comparison, Scenario } from './scenarios/scenario.ts';

/** One scenario's heading, note and table: medians, with the lowest and the highest run. */
export function formatResults(scenario: Scenario, { rows }: Results): string {
  const { title, note, columns, comparisons = [] } = scenario;
  const headings = ['', ...columns.map(({ heading }) => heading), ...comparisons.map(({ heading }) => heading)];
  const lines = rows.map((row) => [
    row.peer.label,
    ...formatRow(row, columns),
    ...comparisons.map((comparison) => formatFigures(compare(row, rows, columns, comparison), comparison.digits)),
  ]);
  return formatPlainTable(title, note, [headings, ...lines]);
}

/** A table of plain cells; the first column holds the names of the rows. */
export function formatPlainTable(title: string, note: string, lines: readonly (readonly string[])[]): string {
  const [headings = [], ...rest] = lines;
  const rule = headings.map((_, column) => (column === 0 ? '---' : '---:'));
  return [`## ${title}`, '', note, '', ...[headings, rule, ...rest].map(formatLine)].join('\n');
}

/** The median, and the range where there were several runs; a dash where nothing was measured. */
export function formatFigures(figures: readonly number[], digits: number): string {
  const sorted = figures.filter((figure) => !Number.isNaN(figure)).sort((a, b) => a - b);
  const [lowest, highest] = [sorted[0], sorted.at(-1)];
  if (lowest === undefined || highest === undefined) return '–';
  const show = (figure: number): string =>
    figure.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return sorted.length === 1 ? show(lowest) : `${show(median(sorted))} (${show(lowest)}–${show(highest)})`;
}

/** The middle one, or the mean of the middle two; NaN of none. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

function formatRow(row: Row, columns: readonly Column[]): readonly string[] {
  switch (row.kind) {
    case 'missing':
      return columns.map((_, at) => (at === 0 ? `missing: ${row.why}` : '–'));
    case 'failed':
      return columns.map((_, at) => (at === 0 ? `failed: ${row.why}` : '–'));
    case 'measured':
      return columns.map(({ digits }, at) =>
        formatFigures(
          row.runs.map((figures) => figures[at] ?? NaN),
          digits,
        ),
      );
  }
}

/** Of each run, so that what slowed the machine down for a while is in both. */
function compare(
  row: Row,
  rows: readonly Row[],
  columns: readonly Column[],
  { column, how, against }: Comparison,
): readonly number[] {
  const base = against(row.peer)
    .map((id) => figuresOf(rows, id, columns, column))
    .find((figures) => figures.length > 0);
  if (base === undefined) return [];
  return figuresOf(rows, row.peer.id, columns, column).map((figure, run) => {
    const other = base[run] ?? NaN;
    return how === 'over' ? figure / other : figure - other;
  });
}

/** What the runs of a peer have in one column; nothing where it was not measured. */
export function figuresOf(
  rows: readonly Row[],
  id: string,
  columns: readonly Column[],
  heading: string,
): readonly number[] {
  const at = columns.findIndex((column) => column.heading === heading);
  const row = rows.find(({ peer }) => peer.id === id);
  return row?.kind === 'measured' ? row.runs.map((figures) => figures[at] ?? NaN) : [];
}

/** A line of a table. */
export function formatLine(cells: readonly string[]): string {
  // A pipe or a line break would end the cell.
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')).join(' | ')} |`;
}
