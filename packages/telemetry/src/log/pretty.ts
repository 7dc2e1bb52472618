/** The log for people: a line a tunnel, in aligned columns, and messages with their fields. */
import { escapeControls } from './escape-controls.ts';
import { COMMON_FIELDS } from './fields.ts';
import type { Presenter } from './line-sink.ts';
import { bytesText, durationText, timeText } from './pretty-values.ts';

export interface PrettyOptions {
  readonly isColoured: boolean;
}

/** Colours are the only escape sequences in the result: all values are escaped. */
export function prettyPresenter({ isColoured }: PrettyOptions): Presenter {
  const columns = new Columns();
  const paint: Paint = (colour, text) => (isColoured ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text);
  return ({ bytes, length }) => {
    const line = parseLine(bytes.toString('utf8', 0, length));
    const isTunnel = TUNNEL_MSGS.includes(textOf(line, 'msg'));
    return isTunnel ? tunnelText(line, columns, paint) : messageText(line, paint);
  };
}

/** Select Graphic Rendition (ECMA-48 §8.3.117). */
const COLOURS = { red: 31, green: 32, yellow: 33, dim: 2 } as const;
type Colour = keyof typeof COLOURS;
type Paint = (colour: Colour, text: string) => string;
type Line = Readonly<Record<string, unknown>>;

const TUNNEL_MSGS: readonly string[] = ['tunnel', 'open', 'progress'];

function tunnelText(line: Line, columns: Columns, paint: Paint): string {
  const told = (name: string): string => textOf(line, name);
  const client = line['user'] === undefined ? told('client') : `${told('user')}@${told('client')}`;
  const verdict = told('decision') || told('outcome');
  const isAmiss = line['outcome'] === 'refused' || line['outcome'] === 'failed';
  const why = line['msg'] === 'tunnel' ? told('reason') : told('msg');
  return row([
    paint('dim', timeText(told('time'))),
    columns.fit('client', client),
    columns.fit('listener', told('listener')),
    paint(COLOUR_OF[verdict] ?? 'red', verdict.padEnd(VERDICT_WIDTH)),
    columns.fit('destination', line['host'] === undefined ? '-' : `${told('host')}:${told('port')}`),
    columns.fit('rule', told('rule') || '-'),
    `${bytesText(line['bytes_up'])} up`,
    `${bytesText(line['bytes_down'])} down`,
    durationText(line['duration_ms']),
    paint(isAmiss ? 'red' : 'dim', why),
    told('detail'),
  ]);
}

function messageText(line: Line, paint: Paint): string {
  const level = textOf(line, 'level');
  const fields = Object.entries(line).filter(([name]) => !(name in COMMON_FIELDS));
  const [below, beside] = [fields.filter(isLong), fields.filter((field) => !isLong(field))];
  const first = row([
    paint('dim', timeText(textOf(line, 'time'))),
    paint(COLOUR_OF[level] ?? 'dim', level.padEnd(LEVEL_WIDTH)),
    textOf(line, 'msg'),
    ...beside.map(([name, value]) => `${paint('dim', `${escapeControls(name)}=`)}${valueText(value)}`),
  ]);
  return first + below.flatMap(([, value]) => linesBelow(value)).join('');
}

/** Columns as wide as their widest value so far, up to a limit. */
class Columns {
  readonly #widths = { client: 15, listener: 8, destination: 28, rule: 10 };

  fit(column: keyof typeof WIDEST, text: string): string {
    const width = Math.max(this.#widths[column], Math.min(text.length, WIDEST[column]));
    this.#widths[column] = width;
    return text.padEnd(width);
  }
}

const WIDEST = { client: 40, listener: 24, destination: 60, rule: 32 } as const;
const VERDICT_WIDTH = 'refused'.length;
const LEVEL_WIDTH = 'error'.length;
const COLOUR_OF: Readonly<Record<string, Colour>> = {
  allow: 'green',
  ok: 'green',
  report: 'yellow',
  info: 'green',
  warn: 'yellow',
};

function row(cells: readonly string[]): string {
  return `${cells
    .filter((cell) => cell !== '')
    .join('  ')
    .trimEnd()}\n`;
}

/** Values on lines of their own: lists, and errors with their stack. */
function isLong([, value]: readonly [string, unknown]): boolean {
  return typeof value === 'object' && value !== null;
}

function linesBelow(value: unknown): readonly string[] {
  const isError = typeof value === 'object' && value !== null && 'stack' in value;
  const texts = isError
    ? String(value.stack).split('\n')
    : Array.isArray(value)
      ? value.map(String)
      : [JSON.stringify(value)];
  return texts.map((text) => `    ${escapeControls(text)}\n`);
}

function valueText(value: unknown): string {
  if (typeof value !== 'string') return escapeControls(JSON.stringify(value));
  return escapeControls(/^[^\s"=]+$/.test(value) ? value : JSON.stringify(value));
}

function textOf(line: Line, name: string): string {
  const value = line[name];
  return typeof value === 'string' || typeof value === 'number' ? escapeControls(String(value)) : '';
}

function parseLine(json: string): Line {
  return JSON.parse(json) as Line; // The line was written here, so it is an object.
}
