import { describe, expect, it } from 'vitest';
import { prettyPresenter } from '../../src/log/pretty.ts';
import { bytesText, durationText } from '../../src/log/pretty-values.ts';

const TIME = '2026-11-28T12:00:00.123Z';
const TUNNEL = {
  level: 'info',
  time: TIME,
  seq: 1,
  id: 'a-1',
  listener: 'explicit',
  mode: 'connect',
  rule: 'registries',
  decision: 'allow',
  client: '192.0.2.1',
  host: 'registry.example.com',
  port: 443,
  bytes_up: 1830,
  bytes_down: 48_213,
  duration_ms: 180.4,
  outcome: 'ok',
  reason: 'client_closed',
  msg: 'tunnel',
};

/** Without the time, which is local. */
function pretty(lines: readonly object[], isColoured = false): string[] {
  const present = prettyPresenter({ isColoured });
  return lines.map((line) => {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    return present({ bytes, length: bytes.length, level: 'info', seq: 1 }).replace(/^\S+ \S+ {2}/, '');
  });
}

describe('a tunnel in the pretty log', () => {
  it('is one line: client, door, verdict, host:port, rule, bytes, duration, reason', () => {
    expect(pretty([TUNNEL])).toEqual([
      '192.0.2.1        explicit  allow    registry.example.com:443      registries     1.8 KiB up    47.1 KiB down     180 ms  client_closed\n',
    ]);
  });

  it('that was refused tells why in a sentence', () => {
    const refused = {
      ...TUNNEL,
      user: 'ci',
      decision: 'deny',
      outcome: 'refused',
      reason: 'policy',
      detail: 'No rule allows it.',
    };
    expect(pretty([refused])[0]).toMatch(/^ci@192\.0\.2\.1 .* deny .* policy {2}No rule allows it\.\n$/);
  });

  it('of which nothing is known but its client keeps its columns', () => {
    const { level, time, seq, id, listener, mode, client, msg } = TUNNEL;
    const probe = { level, time, seq, id, listener, mode, client, msg, outcome: 'ok', reason: 'probe' };
    const [known = '', unknown = ''] = pretty([TUNNEL, probe]);
    expect(unknown.indexOf('probe')).toBe(known.indexOf('client_closed'));
    expect(unknown).toMatch(/^192\.0\.2\.1 +explicit {2}ok +- +- /);
  });

  it('widens a column for what is longer, and keeps it so', () => {
    const host = `${'a'.repeat(50)}.test`;
    const [, long = '', after = ''] = pretty([TUNNEL, { ...TUNNEL, host }, TUNNEL]);
    expect(after.indexOf('registries')).toBe(long.indexOf('registries'));
  });

  it.each(['open', 'progress'])('that is live says %s', (msg) => {
    expect(pretty([{ ...TUNNEL, outcome: undefined, reason: undefined, msg }])[0]).toMatch(new RegExp(`${msg}\\n$`));
  });
});

describe('a message in the pretty log', () => {
  it('has its fields behind it', () => {
    const line = { level: 'warn', time: TIME, seq: 2, limit: 20_000, detail: 'raise it', msg: 'few descriptors' };
    expect(pretty([line])).toEqual(['warn   few descriptors  limit=20000  detail="raise it"\n']);
  });

  it('has lists and stacks on lines of their own', () => {
    const line = { level: 'error', time: TIME, seq: 2, problems: ['a:1:2: x', 'a:3:4: y'], msg: 'reload failed' };
    const failed = {
      level: 'error',
      time: TIME,
      seq: 3,
      err: { message: 'm', stack: 'Error: m\n    at f' },
      msg: 'internal error',
    };
    expect(pretty([line, failed])).toEqual([
      'error  reload failed\n    a:1:2: x\n    a:3:4: y\n',
      'error  internal error\n    Error: m\n        at f\n',
    ]);
  });
});

describe('control characters in the pretty log', () => {
  const hostile = 'eve\r\n\u001b[2J\u009b\u202e';

  it('are escaped in every field and message', () => {
    const tunnel = { ...TUNNEL, user: hostile, host: hostile, rule: hostile, detail: hostile, reason: hostile };
    const message = {
      level: 'warn',
      time: TIME,
      seq: 2,
      detail: hostile,
      problems: [hostile],
      err: { stack: hostile },
      msg: hostile,
    };
    const text = pretty([tunnel, message, { ...message, level: hostile }]).join('');
    // eslint-disable-next-line no-control-regex -- control characters are what it looks for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/);
    expect(text).toContain('\\u001b[2J');
    expect(text.split('\n')).toHaveLength(1 + 2 * 4 + 1);
  });

  it('are those of colours alone on a terminal', () => {
    const text = pretty([{ ...TUNNEL, user: hostile }], true).join('');
    expect(text).toContain('\u001b[32mallow');
    // eslint-disable-next-line no-control-regex -- escape sequences are what it looks for
    expect(text.replaceAll(/\u001b\[(?:\d+)m/g, '')).not.toContain('\u001b');
  });
});

describe('bytesText', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [5 * 1024 ** 3, '5.0 GiB'],
  ])('spells %d as %s', (bytes, spelled) => expect(bytesText(bytes).trim()).toBe(spelled));
});

describe('durationText', () => {
  it.each([
    [0.4, '0 ms'],
    [999, '999 ms'],
    [12_345, '12.3 s'],
    [61_000, '1 m 1 s'],
    [3_600_000, '1 h 0 m'],
  ])('spells %d as %s', (ms, spelled) => expect(durationText(ms).trim()).toBe(spelled));
});
