import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TunnelLine } from '../../src/log/fields.ts';
import { createLogger } from '../../src/log/logger.ts';

const TUNNEL: TunnelLine = {
  id: 'a-1',
  listener: 'explicit',
  mode: 'connect',
  client: '192.0.2.1',
  host: 'example.org',
  port: 443,
  alpn: ['h2'],
  ech: false,
  bytes_up: 517,
  outcome: 'ok',
  reason: 'client_closed',
};

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-log-'));
  file = join(directory, 'access.log');
});

afterEach(() => rmSync(directory, { recursive: true }));

function readLines(path: string): unknown[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

describe('a JSON log', () => {
  it('has one object a line, with the level in words, the time in ISO 8601, and nothing for what does not apply', async () => {
    const log = createLogger({ level: 'info', format: 'json', file });
    log.tunnel('info', { ...TUNNEL, user: undefined });
    log.warn('second');
    await log.close();

    const [tunnel, second] = readLines(file);
    const time: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(tunnel).toStrictEqual({ level: 'info', time, seq: 1, ...TUNNEL, msg: 'tunnel' });
    expect(second).toStrictEqual({ level: 'warn', time, seq: 2, msg: 'second' });
  });

  it('escapes control characters in every field, and keeps what they were', async () => {
    const user = 'eve\n\u001b[2J\u007f\u009b\u2028\u202e';
    const log = createLogger({ level: 'info', format: 'json', file });
    log.info({ user }, `from ${user}`);
    log.tunnel('info', { ...TUNNEL, user });
    await log.close();

    // eslint-disable-next-line no-control-regex -- control characters are what it looks for
    expect(readFileSync(file, 'utf8')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/);
    expect(readLines(file)).toMatchObject([
      { user, msg: `from ${user}` },
      { user, msg: 'tunnel' },
    ]);
  });

  it('leaves out what is below its level, also after the level has changed', async () => {
    const log = createLogger({ level: 'warn', format: 'json', file });
    log.info('too low');
    log.reconfigure({ level: 'debug', format: 'json', file });
    log.debug('shown');
    log.reconfigure({ level: 'error', format: 'json', file });
    log.warn('too low again');
    await log.close();

    expect(readLines(file)).toMatchObject([{ msg: 'shown' }]);
  });

  it('goes on in another file and format, each line in one of them', async () => {
    const other = join(directory, 'other.log');
    const log = createLogger({ level: 'info', format: 'json', file });
    log.info('before');
    log.reconfigure({ level: 'info', format: 'pretty', file: other });
    log.info('after');
    await log.close();

    expect(readLines(file)).toMatchObject([{ msg: 'before' }]);
    expect(readFileSync(other, 'utf8')).toMatch(/info {3}after\n$/);
  });

  it('goes on as before where the other file cannot be opened', async () => {
    const log = createLogger({ level: 'info', format: 'json', file });
    const other = join(directory, 'missing', 'other.log');
    expect(() => log.reconfigure({ level: 'error', format: 'pretty', file: other })).toThrow(/ENOENT/);
    log.info('shown');
    await log.close();

    expect(readLines(file)).toMatchObject([{ msg: 'shown' }]);
  });

  it('tells the cause of an error', async () => {
    const log = createLogger({ level: 'info', format: 'json', file });
    log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed');
    await log.close();

    expect(readLines(file)).toMatchObject([{ err: { message: 'outer: inner' } }]);
  });

  it('is appended to what the file holds already', async () => {
    for (const message of ['first run', 'second run']) {
      const log = createLogger({ level: 'info', format: 'json', file });
      log.info(message);
      await log.close();
    }
    expect(readLines(file)).toMatchObject([{ msg: 'first run' }, { msg: 'second run' }]);
  });

  it('cannot be opened in a directory that is not there', () => {
    expect(() => createLogger({ level: 'info', format: 'json', file: join(directory, 'no', 'log') })).toThrow('ENOENT');
  });
});

describe('reopening the log file', () => {
  it('goes on in a new file after the old one was renamed, and loses no line', async () => {
    const rotated = `${file}.1`;
    const log = createLogger({ level: 'info', format: 'json', file });
    for (let round = 0; round < 200; round += 1) {
      log.info(String(round));
      if (round % 40 === 20) await new Promise((resolve) => setImmediate(resolve));
      if (round === 100) {
        renameSync(file, rotated);
        log.reopen();
      }
    }
    await log.close();

    const rounds = [...readLines(rotated), ...readLines(file)];
    expect(rounds).toHaveLength(200);
    expect(readLines(file)).toContainEqual(expect.objectContaining({ msg: '199' }));
    expect(readLines(rotated)).toContainEqual(expect.objectContaining({ msg: '0' }));
  });

  it('keeps the old file when the path can no longer be opened', async () => {
    const log = createLogger({ level: 'info', format: 'json', file });
    const moved = `${directory}-moved`;
    renameSync(directory, moved);
    expect(() => log.reopen()).toThrow('ENOENT');
    log.info('still here');
    await log.close();

    renameSync(moved, directory);
    expect(readLines(file)).toMatchObject([{ msg: 'still here' }]);
  });
});
