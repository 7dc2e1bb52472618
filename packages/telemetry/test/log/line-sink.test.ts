import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineSink } from '../../src/log/line-sink.ts';
import type { WrittenLine } from '../../src/log/sink.ts';

const PACKAGE = join(import.meta.dirname, '../..');
const children: ChildProcess[] = [];
let directory: string;
let fifo: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-sink-'));
  fifo = join(directory, 'stdout');
  spawnSync('mkfifo', [fifo]);
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

/** Both ends of the FIFO. The reader is no file stream: that could not be closed while a thread waits for bytes. */
function openPipe(): { reader: Socket; writer: number } {
  const reader = new Socket({ fd: openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK), writable: false });
  return { reader, writer: openSync(fifo, 'w') };
}

/** A process whose stdout is the descriptor `stdout` (ours is closed), and that runs `body` with a `log` and a way to `hear` us. */
function runLogging(stdout: number, body: string): ChildProcess {
  const code = `
    import { once } from 'node:events';
    import { createLogger } from '@sallyport/telemetry';
    const log = createLogger({ level: 'info', format: 'json', file: null });
    const hear = () => once(process.stdin, 'data');
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: PACKAGE,
    stdio: ['pipe', stdout, 'inherit'],
  });
  closeSync(stdout);
  children.push(child);
  return child;
}

interface Line {
  readonly msg: string;
  readonly seq: number;
  readonly lines_dropped?: number;
}

function parseLines(output: string): Line[] {
  return output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

function lineOf(content: string): WrittenLine {
  const bytes = Buffer.from(content);
  return { bytes, length: bytes.length, level: 'info', seq: 1 };
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  await once(child, 'exit');
  return child.exitCode;
}

describe('stdout as a pipe', () => {
  it('gets every line in order, the last words of a sudden exit included', async () => {
    const { reader, writer } = openPipe();
    runLogging(writer, `for (let i = 0; i < 100; i += 1) log.info(String(i)); process.exit(0);`);
    const expected = Array.from({ length: 100 }, (_, index) => String(index));
    expect(parseLines(await text(reader)).map(({ msg }) => msg)).toEqual(expected);
  });

  it.each([
    { how: 'in good order', end: 'await log.close(); process.exit(5);' },
    { how: 'suddenly, a write under way', end: 'setImmediate(() => process.exit(5));' },
    { how: 'suddenly, no write begun', end: 'process.exit(5);' },
  ])('that nobody reads does not keep the process from ending $how', async ({ end }) => {
    const silentReader = openSync(fifo, constants.O_RDWR);
    const child = runLogging(openSync(fifo, 'w'), `log.info('x'.repeat(1_000_000)); ${end}`);
    expect(await exitCode(child)).toBe(5);
    closeSync(silentReader);
  });

  it('whose reader is too slow costs lines, and tells how many', async () => {
    const { reader, writer } = openPipe();
    const burst = `for (let i = 0; i < 30_000; i += 1) log.info('x'.repeat(1_000)); await log.close();
      process.exit(log.linesDropped() > 10_000 ? 3 : 4);`;
    const child = runLogging(writer, burst);
    const exit = exitCode(child);

    const lines = parseLines(await text(reader));
    const notice = lines.pop();
    expect(notice?.lines_dropped).toBeGreaterThan(10_000);
    expect(lines.length + (notice?.lines_dropped ?? 0)).toBe(30_000);
    // Lines that are lost are counted too: where they are missing, there is a gap.
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1));
    expect(notice?.seq).toBe(30_001);
    expect(await exit).toBe(3);
  });

  it('whose reader leaves does not end the process, and each line is counted as lost', async () => {
    const { reader, writer } = openPipe();
    const child = runLogging(
      writer,
      `log.info('first'); await hear(); log.info('to nobody'); log.info('nor this'); await log.close();
      log.info('closed'); process.exit(10 + log.linesDropped());`,
    );
    await once(reader, 'data');
    reader.destroy();
    await once(reader, 'close');
    child.stdin?.write('gone');
    expect(await exitCode(child)).toBe(12);
  });
});

describe('stdout as a file', () => {
  it.each([
    { when: 'none was written before', before: '' },
    { when: 'another was written before', before: `log.info('first'); await reaches(1);` },
  ])('gets the lines of 20,000 tunnels that end in one turn of the event loop, where $when', async ({ before }) => {
    const path = join(directory, 'burst.log');
    const burst = `import { fstatSync } from 'node:fs'; import { setTimeout as delay } from 'node:timers/promises';
      const reaches = async (size) => {
        for (let left = 5_000; fstatSync(1).size < size; left -= 1) if (left > 0) await delay(10); else process.exit(2);
      };
      ${before}
      for (let i = 0; i < 20_000; i += 1) log.info('x'.repeat(500));
      if (log.linesDropped() > 0) process.exit(1);
      await reaches(20_000 * 500);
      await log.close();`;
    expect(await exitCode(runLogging(openSync(path, 'w'), burst))).toBe(0);
    const lines = parseLines(readFileSync(path, 'utf8'));
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1));
    expect(lines.length).toBeGreaterThanOrEqual(20_000);
  });

  it('is written where others left off', async () => {
    const path = join(directory, 'shared.log');
    const shared = openSync(path, 'w');
    writeSync(shared, 'before\n');
    await exitCode(runLogging(shared, `log.info('after'); await log.close();`));
    expect(readFileSync(path, 'utf8')).toMatch(/^before\n\{.*"msg":"after"\}\n$/);
  });
});

describe('a log file that is a FIFO', () => {
  it('is an error at once where nobody reads it', () => {
    expect(() => new LineSink(fifo, { onDropped: () => undefined })).toThrow('ENXIO');
  });

  it('is written again once another reader has come, and tells what was lost', async () => {
    const first = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const told: number[] = [];
    const sink = new LineSink(fifo, { onDropped: (count) => told.push(count) });
    closeSync(first);
    sink.write(lineOf('to nobody\n'));
    await expect.poll(() => sink.linesDropped, { timeout: 20_000 }).toBe(1);
    sink.write(lineOf('nor this\n'));
    expect(sink.linesDropped).toBe(2);

    const { reader, writer } = openPipe();
    let heard = '';
    reader.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    const writeAgain = (): string => {
      sink.write(lineOf('to the second\n'));
      return heard;
    };
    await expect.poll(writeAgain, { timeout: 20_000 }).toMatch(/^to the second\n/);
    expect(told).toEqual([sink.linesDropped]);
    await sink.close();
    closeSync(writer);
  });

  it('whose reader is slow hands over at the beginning of a line, so that the next file has it whole', async () => {
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const sink = new LineSink(fifo, { onDropped: () => undefined });
    // More than a pipe holds, and not a divisor of what it holds.
    const lines = Array.from({ length: 3_000 }, (_, index) => `${String(index).padStart(99, '-')}\n`);
    for (const line of lines) sink.write(lineOf(line));
    const next = join(directory, 'next.log');
    sink.redirect(next);
    await sink.close();
    const heard = Buffer.alloc(1024 * 1024);
    const before = heard.toString('utf8', 0, readSync(reader, heard));
    closeSync(reader);
    expect(before.length % 100).not.toBe(0);
    expect(before.slice(0, before.lastIndexOf('\n') + 1) + readFileSync(next, 'utf8')).toBe(lines.join(''));
  });

  it('whose reader is slow gets the rest of a line where it is opened again', async () => {
    const { reader, writer } = openPipe();
    const sink = new LineSink(fifo, { onDropped: () => undefined });
    const lines = Array.from({ length: 3_000 }, (_, index) => `${String(index).padStart(99, '-')}\n`);
    for (const line of lines) sink.write(lineOf(line));
    sink.reopen();
    const heard = text(reader);
    await sink.close();
    closeSync(writer);
    expect(await heard).toBe(lines.join(''));
  });

  it('comes back to life by reopening after its reader has left and another has come', async () => {
    const first = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const sink = new LineSink(fifo, { onDropped: () => undefined });
    closeSync(first);
    sink.write(lineOf('to nobody\n'));
    await new Promise((resolve) => setImmediate(resolve));

    const { reader, writer } = openPipe();
    closeSync(writer);
    sink.reopen();
    sink.write(lineOf('to the second\n'));
    await sink.close();
    expect(await text(reader)).toMatch(/to the second\n$/);
  });
});
