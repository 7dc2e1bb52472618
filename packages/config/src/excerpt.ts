/** The line of the file that a problem is about, with a caret under its column. Secrets in the line are masked. */
import type { Position } from './problems.ts';

/** Returns the line at a position, and a caret below it; nothing where the text has no such line. */
export type Excerpt = (position: Position | undefined) => string;

/** Makes the excerpts of one file. The text need not be YAML: the excerpt may be about that. */
export function createExcerpt(text: string): Excerpt {
  let lines: readonly string[] | undefined;
  // A program may have written the whole file in one line, in which there are many problems.
  let last = { number: 0, masked: '' };
  return (position) => {
    lines ??= text.split('\n');
    const line = position && lines[position.line - 1];
    if (position === undefined || line === undefined) return '';
    if (last.number !== position.line)
      last = { number: position.line, masked: maskSecrets(line, lines[position.line - 2] ?? '') };
    return drawCaret(last.masked, position);
  };
}

/** How much of a long line is shown, and how much of that is before the caret. */
const WIDTH = 110;
const BEFORE = 60;

function drawCaret(line: string, { line: number, column }: Position): string {
  const start = Math.max(0, Math.min(column - 1 - BEFORE, line.length - WIDTH));
  const cut = start > 0 ? '…' : '';
  const shown = cut + line.slice(start, start + WIDTH) + (start + WIDTH < line.length ? '…' : '');
  const indent = ' '.repeat(columnsOf(cut + line.slice(start, column - 1)));
  const gutter = String(number).padStart(5);
  return `${gutter} | ${printable(shown)}\n${' '.repeat(gutter.length)} | ${indent}^`;
}

/** A character that would move the cursor or reverse the direction of the text, or that looks like a plain space, is shown as one dot. */
function printable(text: string): string {
  return text
    .trimEnd()
    .replaceAll('\t', ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?! )\p{Zs}/gu, '·');
}

/** How many columns of a terminal a text takes: East Asian letters and emoji take two, combining marks none. */
function columnsOf(text: string): number {
  return Array.from(text).reduce((columns, letter) => {
    if (/\p{M}/u.test(letter)) return columns;
    return columns + (WIDE.test(letter) ? 2 : 1);
  }, 0);
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u;

/** A key whose value no message shows. */
const SECRET_KEY = String.raw`(?:password|secret|token|authorization|cookie|headers|api[-_]?key)["']?\s*:`;

/** A quoted value, closed or not; otherwise the rest of the line. */
const SECRET = new RegExp(String.raw`(${SECRET_KEY}\s*)("(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|\S.*)`, 'gi');

/** Masks character by character, so that every column stays the same. */
function maskSecrets(line: string, above: string): string {
  const continuesSecret = new RegExp(String.raw`${SECRET_KEY}\s*(?:[|>][-+\d]*\s*)?(?:#.*)?$`, 'i').test(above);
  if (continuesSecret) return mask(line);
  return line
    .replace(SECRET, (_, key: string, value: string) => key + mask(value))
    .replace(/(:\/\/)([^/\s"']+)@/g, (_, scheme: string, login: string) => `${scheme}${mask(login)}@`)
    .replace(/(PRIVATE KEY-----)([^"']+)/g, (_, begin: string, key: string) => begin + mask(key));
}

function mask(text: string): string {
  return text.replace(/\S/g, '*');
}
