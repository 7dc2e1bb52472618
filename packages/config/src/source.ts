/** The configuration file as text. */
import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { LocatedProblem, Position } from './problems.ts';

/** No configuration comes near this size. A larger file is a wrong one, or an endless device. */
const LIMIT_BYTES = 64 * 1024 * 1024;

/** The text of a file, or why it cannot be read. */
export type Source =
  { readonly kind: 'ok'; readonly text: string } | { readonly kind: 'unreadable'; readonly problem: LocatedProblem };

export interface SourceOptions {
  /** True: the file was read before, and the process serves clients. A pipe holds nothing more, and is not waited for. */
  readonly isReload?: boolean;
}

/** Reads a file, or a pipe such as `/dev/stdin`, as UTF-8. */
export function readSource(file: string, { isReload = false }: SourceOptions = {}): Source {
  const bytes = readBounded(file, isReload);
  if (typeof bytes === 'string') return unreadable(bytes);
  if (bytes.length > LIMIT_BYTES) return unreadable('is larger than 64 MiB; is it the right file?');
  return decode(bytes);
}

/** Reads at most one byte more than the limit. Returns the reason where the file cannot be read. */
function readBounded(file: string, isReload: boolean): Buffer | string {
  const chunks: Buffer[] = [];
  try {
    // Of a FIFO without a writer, the opening itself would wait.
    const descriptor = openSync(file, isReload ? constants.O_RDONLY | constants.O_NONBLOCK : constants.O_RDONLY);
    try {
      if (isReload && fstatSync(descriptor).isFIFO()) return READ_ONCE;
      for (let total = 0; total <= LIMIT_BYTES;) {
        const chunk = Buffer.allocUnsafe(64 * 1024);
        const count = readSync(descriptor, chunk);
        if (count === 0) break;
        chunks.push(chunk.subarray(0, count));
        total += count;
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    return file === '-' ? STANDARD_INPUT : explainSystemError(cause);
  }
  return Buffer.concat(chunks);
}

const READ_ONCE = 'is a pipe, which can be read only once; start from a regular file to reload it';

const STANDARD_INPUT = 'no such file; standard input is named /dev/stdin';

function explainSystemError(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  switch (code) {
    case 'ENOENT':
      return 'no such file; name an existing one';
    case 'EACCES':
      return 'may not be read by this user; change its rights or the user';
    case 'EISDIR':
      return 'is a directory; name a file in it';
    default:
      return `cannot be read (${code}); name a readable file`;
  }
}

function decode(bytes: Buffer): Source {
  // The decoder drops a byte order mark and puts U+FFFD where the bytes are not UTF-8.
  const text = new TextDecoder().decode(bytes);
  if (!isUtf8(bytes))
    return unreadable('is not UTF-8 here; save the file as UTF-8', positionAt(text.indexOf('\uFFFD'), text));
  // UTF-16 without a byte order mark is valid UTF-8 where it holds ASCII. YAML allows no NUL (YAML 1.2.2 §5.1).
  if (text.includes('\0'))
    return unreadable(
      'has a NUL character here, as UTF-16 has; remove it, or save the file as UTF-8',
      positionAt(text.indexOf('\0'), text),
    );
  // For YAML a CR alone ends a line (YAML 1.2.2 §5.4), for editors and the parser that is used here it does not.
  const lone = /\r(?!\n)/.exec(text);
  if (lone)
    return unreadable(
      'a carriage return stands alone here; end each line with LF, or CR LF',
      positionAt(lone.index, text),
    );
  return { kind: 'ok', text };
}

function positionAt(offset: number, text: string): Position {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

function unreadable(message: string, position?: Position): Source {
  return { kind: 'unreadable', problem: { severity: 'error', path: [], message, ...(position && { position }) } };
}
