import { describe, expect, it } from 'vitest';
import { readCount, readDuration, readPort, readPorts, readRate, readSize } from '../src/units.ts';

describe('readDuration', () => {
  it.each([
    ['0s', 0],
    ['500ms', 500],
    ['10s', 10_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['007s', 7_000],
  ])('reads %s as %d milliseconds', (text, value) => {
    expect(readDuration(text)).toEqual({ kind: 'ok', value });
  });

  it.each(['', '10', 's', '1.5s', '-1s', '+1s', '10 s', ' 10s', '10S', '10d', '1h30m', '1e3s', '10s\n', 'off', '٣s'])(
    'refuses %j and shows how a duration is written',
    (text) => {
      const why = `expected a duration such as 500ms, 10s, 5m or 1h, got ${JSON.stringify(text)}`;
      expect(readDuration(text)).toEqual({ kind: 'malformed', why });
    },
  );

  it('refuses what a number cannot hold exactly', () => {
    expect(readDuration('9007199254740993ms').kind).toBe('malformed');
  });
});

describe('readSize', () => {
  it.each([
    ['512B', 512],
    ['64KiB', 65_536],
    ['1MiB', 1_048_576],
    ['2GiB', 2_147_483_648],
  ])('reads %s as %d bytes', (text, value) => {
    expect(readSize(text)).toEqual({ kind: 'ok', value });
  });

  it.each(['', '64', '64kb', '64K', '64KB', '64 KiB', '64kib', '1.5MiB', '-1KiB', '1TiB'])('refuses %j', (text) => {
    expect(readSize(text).kind).toBe('malformed');
  });
});

describe('readCount', () => {
  it.each([
    ['0', 0],
    ['20000', 20_000],
  ])('reads %s', (text, value) => {
    expect(readCount(text)).toEqual({ kind: 'ok', value });
  });

  it.each(['', '-1', '1.0', '1e3', '0x10', '1_000', ' 1', '9007199254740993'])('refuses %j', (text) => {
    expect(readCount(text).kind).toBe('malformed');
  });
});

describe('readRate', () => {
  it.each([
    ['1/s', 1],
    ['200/s', 200],
  ])('reads %s as %d a second', (text, value) => {
    expect(readRate(text)).toEqual({ kind: 'ok', value });
  });

  it.each(['', '200', '0/s', '200/m', '200 / s', '-1/s', '1.5/s', '/s', '99999999999999999/s'])(
    'refuses %j',
    (text) => {
      expect(readRate(text).kind).toBe('malformed');
    },
  );
});

describe('readPorts', () => {
  it.each([
    ['443', { from: 443, to: 443 }],
    ['8000-8999', { from: 8000, to: 8999 }],
    ['1-65535', { from: 1, to: 65_535 }],
    ['5-5', { from: 5, to: 5 }],
  ])('reads %s', (text, value) => {
    expect(readPorts(text)).toEqual({ kind: 'ok', value });
  });

  it.each(['', '0', '65536', '0-10', '1-65536', '443,8443', '443-', '-443', '1-2-3', 'https', '0x1bb', '8000 - 8999'])(
    'refuses %j',
    (text) => {
      expect(readPorts(text).kind).toBe('malformed');
    },
  );

  it('turns a range round that ends before it begins', () => {
    const why = 'the range ends before it begins; write "8000-9000"';
    expect(readPorts('9000-8000')).toEqual({ kind: 'malformed', why });
  });
});

describe('readPort', () => {
  it('takes port 0 only where any free port will do', () => {
    expect([readPort('0'), readPort('0', 0)]).toEqual([undefined, 0]);
  });
});
