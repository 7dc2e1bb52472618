import { describe, expect, it } from 'vitest';
import type { StatusReply } from '../../src/admin/api.ts';
import type { Seen } from '../../src/top/asking.ts';
import { drawScreen } from '../../src/top/draw-screen.ts';

const now = '2026-11-28T12:00:00.000Z';

const status: StatusReply = {
  version: '1.2.3',
  node: 'v20.0.0',
  engine: 'native',
  state: 'ready',
  now,
  started: now,
  uptime_ms: 10_000,
  memory_bytes: 80 * 1024 * 1024,
  control: false,
  report_only: false,
  doors: [],
  refusals: [],
  failures: [],
  decisions: [],
  dns: { hit: 0, miss: 0, negative: 0, seconds: {} },
  dials: { attempts: [], seconds: {} },
  egresses: [{ name: 'corp', type: 'http', address: '10.0.0.1:3128', up: false, attempts: {} }],
  limits: [],
  reload: { result: 'failure', at: now, problems: ['a.yaml:3:1: listeners: no list'] },
  log_lines_dropped: 0,
};

function seen(count: number): Seen {
  const tunnel = {
    id: 'x-1',
    listener: 'explicit',
    client: '2001:db8::7',
    host: '2001:db8::1',
    port: 443,
    rule: 'builds',
    bytes_up: 1_000,
    bytes_down: 5_000_000,
    age_ms: 3_700_000,
    bytes_per_second: 10,
  };
  const denial = {
    host: 'nope.test',
    port: 443,
    listener: 'explicit',
    rule: 'default',
    reason: 'policy',
    count: 7,
    last: '2026-11-28T11:59:50.000Z',
    client: '10.0.0.7',
  };
  return {
    asking: { sort: 'bytes', verdict: 'deny' },
    status,
    tunnels: { tunnels: Array.from({ length: count }, () => tunnel), live: count },
    denials: { denials: Array.from({ length: count }, () => denial) },
  };
}

describe('the screen of sallyport top', () => {
  it.each([
    { columns: 132, rows: 40 },
    { columns: 80, rows: 24 },
    { columns: 40, rows: 12 },
    { columns: 1, rows: 2 },
  ])('fits $columns columns and $rows rows, however much there is', ({ columns, rows }) => {
    for (const count of [0, 1, 100]) {
      const lines = drawScreen(seen(count), { columns, rows, hasColours: false, hasKeys: true });
      expect(lines.length).toBeLessThan(rows);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    }
  });

  it('says what is wrong ahead of all else, and gives both lists room', () => {
    const text = drawScreen(seen(100), { columns: 132, rows: 24, hasColours: false, hasKeys: true });
    expect(text[2]).toBe('the last reload failed: a.yaml:3:1: listeners: no list');
    expect(text[3]).toBe('the parent corp is down');
    expect(text.filter((line) => line.includes('[2001:db8::1]:443')).length).toBeGreaterThan(8);
    expect(text.filter((line) => line.includes('nope.test:443')).length).toBeGreaterThan(3);
    expect(text.at(-1)).toMatch(/^nope\.test:443 +10\.0\.0\.7 +default +policy +10 s +7$/);
  });

  it('shows no control character that a name has in it', () => {
    const hostile = seen(0);
    const denial = {
      ...seen(1).denials.denials[0],
      host: 'a\x1b[2J',
      client: '10.0.0.7',
    } as Seen['denials']['denials'][0];
    const lines = drawScreen(
      { ...hostile, denials: { denials: [denial] } },
      { columns: 100, rows: 24, hasColours: false, hasKeys: true },
    );
    expect(lines.join('')).not.toContain('\x1b');
  });
});
