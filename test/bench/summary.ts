/** The report's short table, which README.md shows: one line a measure, one column a proxy, medians. */
import type { Results } from './run-interleaved.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { figuresOf, formatLine, median } from './table.ts';

export interface Measured {
  readonly scenario: Scenario;
  readonly results: Results;
}

interface Column {
  readonly heading: string;
  /** The first that was measured is shown; of the others those that have a note, behind it. */
  readonly peers: readonly { readonly id: string; readonly note?: string }[];
}

interface Line {
  readonly label: string;
  readonly scenario: string;
  /** Headings in the scenario's table. */
  readonly figures: readonly string[];
  readonly isLogged?: true;
  readonly best?: 'most';
}

export const summaryColumns: readonly Column[] = [
  { heading: 'Sallyport native', peers: [{ id: 'sallyport-native' }] },
  { heading: 'Sallyport portable', peers: [{ id: 'sallyport-portable' }] },
  {
    heading: 'nginx',
    peers: [
      { id: 'nginx' },
      { id: 'nginx-half-close', note: 'proxy_half_close' },
      { id: 'nginx-tunnel', note: 'tunnel_pass' },
      { id: 'nginx-64k', note: '64 KiB buffers' },
      { id: 'nginx-256k', note: '256 KiB' },
      { id: 'nginx-proxy-connect', note: 'proxy_connect' },
    ],
  },
  { heading: 'HAProxy', peers: [{ id: 'haproxy' }, { id: 'haproxy-splice', note: 'splicing' }] },
  { heading: 'Squid', peers: [{ id: 'squid' }] },
  { heading: 'tinyproxy', peers: [{ id: 'tinyproxy' }] },
  { heading: 'Node `pipe`', peers: [{ id: 'node-pipe' }] },
];

export const summaryLines: readonly Line[] = [
  { label: 'bulk down, CPU s/GiB', scenario: 'bulk', figures: ['down, CPU s/GiB'] },
  { label: 'bulk up, CPU s/GiB', scenario: 'bulk', figures: ['up, CPU s/GiB'] },
  { label: 'ping-pong, CPU µs/round trip', scenario: 'ping-pong', figures: ['CPU µs/round trip'] },
  {
    label: 'idle tunnel, KiB: over a new process, over a warm one',
    scenario: 'idle-memory',
    figures: ['KiB/tunnel, over the cold base', 'KiB/tunnel, over the warm base'],
  },
  ...(['sni', 'connect'] as const).flatMap((door): readonly Line[] => {
    const name = door === 'sni' ? 'SNI' : 'CONNECT';
    const [crowd, lone] = [`set-up-${door}`, `low-rate-${door}`];
    return [
      { label: `${name}, CPU µs/tunnel`, scenario: crowd, figures: ['CPU µs/tunnel'] },
      { label: `${name}, JSON log, CPU µs/tunnel`, scenario: crowd, figures: ['CPU µs/tunnel'], isLogged: true },
      { label: `${name}, tunnels/s`, scenario: crowd, figures: ['tunnels/s'], best: 'most' },
      { label: `${name}, 500/s, CPU µs/tunnel`, scenario: lone, figures: ['CPU µs/tunnel'] },
      { label: `${name}, 500/s, JSON log, CPU µs/tunnel`, scenario: lone, figures: ['CPU µs/tunnel'], isLogged: true },
      { label: `${name}, 500/s, p99 ms`, scenario: lone, figures: ['p99 ms'] },
    ];
  }),
  {
    label: 'garbage, KiB/tunnel: SNI, CONNECT',
    scenario: 'garbage',
    figures: ['SNI, KiB/tunnel', 'CONNECT, KiB/tunnel'],
  },
];

/** Only lines that were measured; nothing where there is none. */
export function formatSummary(measured: readonly Measured[]): string | undefined {
  const lines = summaryLines.flatMap((line) => {
    const of = measured.find(({ scenario }) => scenario.name === line.scenario);
    return of ? [[line.label, ...formatSummaryLine(line, of)]] : [];
  });
  if (lines.length === 0) return undefined;
  const headings = ['', ...summaryColumns.map(({ heading }) => heading)];
  const rule = headings.map((_, at) => (at === 0 ? '---' : '---:'));
  const note = 'Medians; the best of each line is bold.';
  return ['## Summary', '', note, '', ...[headings, rule, ...lines].map(formatLine)].join('\n');
}

function formatSummaryLine(line: Line, { scenario, results }: Measured): readonly string[] {
  const cells = summaryColumns.map(({ peers }) =>
    peers.flatMap(({ id, note }) => {
      const figures = line.figures.map((heading) => figureOf(heading, line.isLogged ? `${id}-log` : id));
      return Number.isNaN(figures[0]) ? [] : [{ note, figures }];
    }),
  );
  const best = line.figures.map((_, at) => {
    const all = cells.flatMap((cell) => cell.map(({ figures }) => figures[at] ?? NaN));
    return line.best === 'most' ? Math.max(...all) : Math.min(...all);
  });
  return cells.map((cell) => (cell.length === 0 ? '–' : cell.map(formatVariant).join('; ')));

  function figureOf(heading: string, id: string): number {
    return median(figuresOf(results.rows, id, scenario.columns, heading));
  }

  function formatVariant({ note, figures }: { note: string | undefined; figures: readonly number[] }): string {
    const shown = figures.map((figure, at) => {
      const digits = scenario.columns.find(({ heading }) => heading === line.figures[at])?.digits ?? 0;
      const text = figure.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
      return figure === best[at] ? `**${text}**` : text;
    });
    return `${note === undefined ? '' : `${note}: `}${shown.join(', ')}`;
  }
}
