import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSource } from '../src/source.ts';

describe('readSource', () => {
  let directory: string;
  const write = (name: string, content: string | Buffer): string => {
    const file = join(directory, name);
    writeFileSync(file, content);
    return file;
  };
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  it('reads UTF-8 and drops a byte order mark', () => {
    expect(readSource(write('bom.yaml', '\uFEFFname: "Zoë"\n'))).toEqual({ kind: 'ok', text: 'name: "Zoë"\n' });
  });

  it('reads text across the boundaries of its reads', () => {
    const text = 'é'.repeat(100_001);
    expect(readSource(write('long.yaml', text))).toEqual({ kind: 'ok', text });
  });

  it('says that there is no such file', () => {
    const { problem } = unreadable(readSource(join(directory, 'absent.yaml')));
    expect(problem).toEqual({
      severity: 'error',
      path: [],
      message: 'no such file; name an existing one',
    });
  });

  it('says how standard input is named, which other programs call -', () => {
    expect(unreadable(readSource('-')).problem.message).toBe('no such file; standard input is named /dev/stdin');
  });

  it('says that a directory is none', () => {
    expect(unreadable(readSource(directory)).problem.message).toBe('is a directory; name a file in it');
  });

  it('survives a name that no file can have', () => {
    expect(unreadable(readSource('a\0b')).problem.message).toMatch(/^cannot be read \(\w+\)/);
  });

  it.each([
    ['Latin-1', Buffer.from('a: 1\nname: Zo\xEB\n', 'latin1'), { line: 2, column: 9 }],
    ['UTF-16', Buffer.from('\uFEFFa: 1\n', 'utf16le'), { line: 1, column: 1 }],
  ])('points at the first byte of %s that is not UTF-8', (_, bytes, position) => {
    const { problem } = unreadable(readSource(write('encoding.yaml', bytes)));
    expect(problem).toMatchObject({ message: 'is not UTF-8 here; save the file as UTF-8', position });
  });

  it('points at the first NUL, which UTF-16 without a byte order mark is full of', () => {
    const { problem } = unreadable(readSource(write('encoding.yaml', Buffer.from('a: 1\n', 'utf16le'))));
    expect(problem).toMatchObject({
      message: 'has a NUL character here, as UTF-16 has; remove it, or save the file as UTF-8',
      position: { line: 1, column: 2 },
    });
  });

  it('points at a CR that ends no line, for YAML takes it for the end of one', () => {
    expect(readSource(write('cr.yaml', 'a: 1\r\n# note\rb: 2\n'))).toMatchObject({
      problem: {
        message: 'a carriage return stands alone here; end each line with LF, or CR LF',
        position: { line: 2, column: 7 },
      },
    });
    expect(readSource(write('crlf.yaml', 'a: 1\r\nb: 2\r\n'))).toMatchObject({ kind: 'ok' });
  });

  it('does not wait for a FIFO at a reload', () => {
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    expect(unreadable(readSource(fifo, { isReload: true })).problem.message).toBe(
      'is a pipe, which can be read only once; start from a regular file to reload it',
    );
  });

  it('stops at 64 MiB, also of an endless device', () => {
    const file = write('huge.yaml', '');
    truncateSync(file, 64 * 1024 * 1024 + 1);
    const message = 'is larger than 64 MiB; is it the right file?';
    expect([file, '/dev/zero'].map((each) => unreadable(readSource(each)).problem.message)).toEqual([message, message]);
  });
});

function unreadable(source: ReturnType<typeof readSource>) {
  if (source.kind === 'ok') throw new Error('the source could be read');
  return source;
}
