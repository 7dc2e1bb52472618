/** Results as Markdown. */
import type { Results, Row } from './run-interleaved.ts';
import type { Column, Ratio, Scenario } from './scenarios/scenario.ts';

/** One scenario's heading, note and table: medians, with the lowest and the highest run. */
export function formatResults(scenario: Scenario, { rows }: Results): string {
  const { title, note, columns, ratio } = scenario;
  const ratioHeading = ratio ? [`${ratio.heading}, over that of ${ratio.overRow}`] : [];
  const headings = ['', ...columns.map(({ heading }) => heading), ...ratioHeading];
  const lines = rows.map((row) => [
    row.label,
    ...formatRow(row, columns),
    ...(ratio ? [formatRatio(row, rows, columns, ratio)] : []),
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

/** The middle one, or the mean of the middle two. */
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
function formatRatio(row: Row, rows: readonly Row[], columns: readonly Column[], { heading, overRow }: Ratio): string {
  const column = columns.findIndex((each) => each.heading === heading);
  const figuresOf = (of: Row | undefined): readonly number[] =>
    of?.kind === 'measured' ? of.runs.map((figures) => figures[column] ?? NaN) : [];
  const base = figuresOf(rows.find(({ label }) => label === overRow));
  return formatFigures(
    figuresOf(row).map((figure, run) => figure / (base[run] ?? NaN)),
    2,
  );
}

function formatLine(cells: readonly string[]): string {
  // A pipe or a line break would end the cell.
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')).join(' | ')} |`;
}
