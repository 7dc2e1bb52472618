/** The screen of `sallyport top`, as lines. Pure. */
import { escapeControls } from '@sallyport/telemetry';
import type { StatusReply } from '../admin/api.ts';
import type { Seen } from './asking.ts';
import { bytesText, durationText, hostText, perSecondText, rateText } from '../figures.ts';

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly hasColours: boolean;
  /** False: it is printed, and nobody can press a key. */
  readonly hasKeys: boolean;
}

type Colour = keyof typeof COLOURS;

/** SGR (ECMA-48 §8.3.117). */
const COLOURS = { bold: 1, inverse: 7, red: 31, yellow: 33 } as const;

interface Cell {
  readonly text: string;
  /** Left out: the rest of the line, cut at its end. Negative: aligned to the right. */
  readonly width?: number;
}

type Line = readonly [Colour | undefined, readonly Cell[]];

export function drawScreen(seen: Seen, screen: Screen): readonly string[] {
  const head = [...headLines(seen, screen), ...alertLines(seen)];
  const left = Math.max(4, screen.rows - head.length - 4);
  const denials = denialLines(seen).slice(0, Math.max(1, Math.min(Math.ceil(left / 3), seen.denials.denials.length)));
  const tunnels = tunnelLines(seen).slice(0, Math.max(1, left - denials.length));
  const { sort, verdict } = seen.asking;
  const lines: readonly Line[] = [
    ...head,
    ['inverse', tunnelHead(sort)],
    ...tunnels.map((cells) => [undefined, cells] as const),
    [undefined, [{ text: '' }]],
    ['inverse', denialHead(verdict)],
    ...denials.map((cells) => [undefined, cells] as const),
  ];
  return lines.slice(0, screen.rows - 1).map(([colour, cells]) => paint(layOut(cells, screen.columns), colour, screen));
}

function headLines({ status, before, tunnels }: Seen, { hasKeys }: Screen): readonly Line[] {
  const { version, engine, state, uptime_ms, memory_bytes } = status;
  const who = `sallyport ${version} (${engine}): ${state}, up ${durationText(uptime_ms)}, ${bytesText(memory_bytes)}`;
  const live = tunnels.live ?? 0;
  const counts = [`${live} ${live === 1 ? 'tunnel' : 'tunnels'}`, ...(before ? rateTexts(status, before) : [])].join(
    ', ',
  );
  return [
    ['bold', [{ text: who }, ...(hasKeys ? [{ text: 'b a r d w  q: quit', width: -18 }] : [])]],
    [undefined, [{ text: counts }]],
  ];
}

/** What happened since the last screen. */
function rateTexts(now: StatusReply, before: StatusReply): readonly string[] {
  const seconds = Math.max(0.1, (now.uptime_ms - before.uptime_ms) / 1000);
  const total = (status: StatusReply, key: Key): number => status.doors.reduce((sum, door) => sum + door[key], 0);
  const rate = (key: Key): number => Math.max(0, total(now, key) - total(before, key)) / seconds;
  return [
    `${perSecondText(rate('set_ups'))} set up`,
    `${perSecondText(rate('refused'))} refused`,
    `up ${rateText(rate('bytes_up'))}`,
    `down ${rateText(rate('bytes_down'))}`,
  ];
}

type Key = 'set_ups' | 'refused' | 'bytes_up' | 'bytes_down';

function alertLines({ status, failure }: Seen): readonly Line[] {
  const { reload, egresses } = status;
  const down = egresses.filter(({ up }) => !up).map(({ name }) => `the parent ${name} is down`);
  const failed = reload?.result === 'failure' ? [`the last reload failed: ${reload.problems[0] ?? ''}`] : [];
  const gone = failure === undefined ? [] : [`the admin server does not answer (${failure}); this is old`];
  return [...gone, ...failed, ...down].map((text) => ['red', [{ text }]]);
}

const tunnelHead = (sort: string): readonly Cell[] => [
  { text: `LIVE TUNNELS by ${sort}` },
  { text: 'CLIENT', width: 28 },
  { text: 'RULE', width: 14 },
  { text: 'UP', width: -9 },
  { text: 'DOWN', width: -9 },
  { text: 'RATE', width: -11 },
  { text: 'AGE', width: -9 },
];

function tunnelLines({ tunnels }: Seen): readonly (readonly Cell[])[] {
  if (tunnels.tunnels.length === 0) return [[{ text: 'none' }]];
  return tunnels.tunnels.map((tunnel) => [
    { text: hostText(tunnel.host, tunnel.port) },
    { text: tunnel.user === undefined ? tunnel.client : `${tunnel.client} ${tunnel.user}`, width: 28 },
    { text: tunnel.rule, width: 14 },
    { text: bytesText(tunnel.bytes_up), width: -9 },
    { text: bytesText(tunnel.bytes_down), width: -9 },
    { text: rateText(tunnel.bytes_per_second ?? 0), width: -11 },
    { text: durationText(tunnel.age_ms), width: -9 },
  ]);
}

const denialHead = (verdict: Seen['asking']['verdict']): readonly Cell[] => [
  { text: verdict === 'deny' ? 'DENIED' : 'WOULD BE DENIED' },
  { text: 'LAST CLIENT', width: 28 },
  { text: 'RULE', width: 14 },
  { text: 'REASON', width: 14 },
  { text: 'LAST', width: -9 },
  { text: 'COUNT', width: -9 },
];

function denialLines({ denials, status }: Seen): readonly (readonly Cell[])[] {
  if (denials.denials.length === 0) return [[{ text: 'none' }]];
  return denials.denials.map(({ host, port, client, rule, reason, last, count }) => [
    { text: hostText(host, port) },
    { text: client, width: 28 },
    { text: rule ?? '', width: 14 },
    { text: reason, width: 14 },
    { text: durationText(Math.max(0, Date.parse(status.now) - Date.parse(last))), width: -9 },
    { text: `${count}`, width: -9 },
  ]);
}

const GAP = 1;
/** A destination gets at least so many characters. Where the line is too short, columns to its right are left out. */
const SHORTEST_REST = 24;

function layOut(cells: readonly Cell[], columns: number): string {
  const kept = [...cells];
  const fixed = (): number =>
    kept.reduce((sum, { width }) => sum + (width === undefined ? 0 : Math.abs(width) + GAP), 0);
  while (kept.length > 1 && columns - fixed() < SHORTEST_REST) kept.splice(1, 1);
  const rest = Math.max(1, columns - fixed());
  return kept.map(({ text, width = rest }) => fit(escapeControls(text), width)).join(' '.repeat(GAP));
}

function fit(text: string, width: number): string {
  const [room, characters] = [Math.abs(width), Array.from(text)];
  const cut = characters.length > room ? `${characters.slice(0, room - 1).join('')}…` : text;
  return width < 0 ? cut.padStart(room) : cut.padEnd(room);
}

function paint(text: string, colour: Colour | undefined, { hasColours }: Screen): string {
  return colour === undefined || !hasColours ? text.trimEnd() : `\x1b[${COLOURS[colour]}m${text}\x1b[0m`;
}
