/** Reads the lines of access logs: from files or standard input, gzipped or not. */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import { isLogLine, type LogEntry, readLogLine } from '@sallyport/policy';
import type { OptionSpec } from './command-line.ts';
import { EXIT, FatalError } from './exit.ts';
import { inOneLine, printError } from './print.ts';

export const LOG_OPTION: OptionSpec = {
  value: 'FILE',
  about: 'access logs, in JSON; - is standard input; gzip is read',
  isRequired: true,
  isMany: true,
};

/** What was read, besides the entries. */
export interface LogReading {
  /** All lines, tunnels or not. */
  lines: number;
  /** Those with a decision of the policy. */
  entries: number;
}

const CHUNK_BYTES = 1024 * 1024;
/** Longer than any line of ours. A longer one is of another file, or not text. */
const LONGEST_LINE = 1024 * 1024;

/**
 * Calls `take` with every entry of the files, in their order. Throws a FatalError with the file's name where one cannot be read, or where
 * they have lines but none of our log. One that has none beside others is told on standard error.
 */
export async function readLogs(files: readonly string[], take: (entry: LogEntry) => void): Promise<LogReading> {
  if (files.indexOf('-') !== files.lastIndexOf('-'))
    throw new FatalError('--log - is given twice; standard input can be read once', EXIT.usage);
  const reading: LogReading = { lines: 0, entries: 0 };
  const foreign: string[] = [];
  for (const file of files) {
    const isOurs = await readLog(file, take, reading);
    if (!isOurs) foreign.push(file);
  }
  if (foreign.length === 0) return reading;
  const message = `${foreign.join(', ')} ${NO_ENTRIES}`;
  if (reading.entries === 0) throw new FatalError(message, EXIT.failure);
  await printError(`warning: ${await inOneLine(message)}\n`);
  return reading;
}

const NO_ENTRIES =
  'holds no line that says what the policy decided; name the JSON log of sallyport run (log.format: json)';

/** Reads a log. False where it has lines, but none of ours: a proxy that nobody has used has logged no decision. */
async function readLog(file: string, take: (entry: LogEntry) => void, reading: LogReading): Promise<boolean> {
  const linesBefore = reading.lines;
  let isOurs = false;
  try {
    const raw = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES });
    for await (const lines of linesOf(await unzipped(raw))) {
      for (const line of lines) {
        reading.lines++;
        const entry = readLogLine(line);
        isOurs ||= entry !== undefined || isLogLine(line);
        if (!entry) continue;
        reading.entries++;
        take(entry);
      }
    }
    return isOurs || reading.lines === linesBefore;
  } catch (cause) {
    if (cause instanceof FatalError) throw cause;
    throw new FatalError(explainReadError(file, cause), EXIT.failure, cause);
  }
}

function explainReadError(file: string, cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  const readRest = `to read what there is: zcat ${file} | sallyport … --log -`;
  const other = 'name an access log, or - for standard input';
  switch (code) {
    case 'ENOENT':
      return `${file}: no such file; ${other}`;
    case 'EACCES':
      return `${file} may not be read by this user; change its rights or the user`;
    case 'EISDIR':
      return `${file} is a directory; ${other}`;
    case 'Z_BUF_ERROR':
      return `${file} ends within its gzip data; ${readRest}`;
    case 'Z_DATA_ERROR':
      return `${file} is damaged gzip data; ${readRest}`;
    default:
      return `${file} cannot be read (${code}); ${other}`;
  }
}

/** Recognised by its first two bytes (RFC 1952 §2.3.1), not by its name: rotated logs may have any. */
async function unzipped(raw: Readable): Promise<Readable> {
  const first = await firstChunk(raw);
  if (first?.[0] !== 0x1f || first[1] !== 0x8b) return raw;
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // An error of one stream is reported by the other.
  pipeline(raw, gunzip, () => undefined);
  return gunzip;
}

/** Returns the first chunk, and leaves it to be read. */
async function firstChunk(raw: Readable): Promise<Buffer | undefined> {
  await Promise.race([once(raw, 'readable'), once(raw, 'end')]);
  const chunk: unknown = raw.read();
  if (!Buffer.isBuffer(chunk)) return undefined;
  raw.unshift(chunk);
  return chunk;
}

async function* linesOf(stream: Readable): AsyncGenerator<readonly string[]> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.write(chunk as Buffer)).split('\n'); // Without an encoding, chunks are buffers.
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) rest = '';
    yield lines;
  }
  if (rest !== '') yield [rest];
}
