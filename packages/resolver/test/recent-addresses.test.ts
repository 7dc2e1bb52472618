import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BYTES_A_NAME, RECENT_MS, RecentAddresses } from '../src/recent-addresses.ts';
import { ip } from '../../addresses/test/literal.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

describe('RecentAddresses', () => {
  it('knows every address of every answer for a while', () => {
    const recent = new RecentAddresses(10);
    recent.note('cdn.example', [ip('192.0.2.1'), ip('2001:db8::1')]);
    vi.advanceTimersByTime(RECENT_MS);
    recent.note('cdn.example', [ip('192.0.2.2')]);
    for (const known of ['192.0.2.1', '192.0.2.2', '2001:db8::1'])
      expect(recent.has('cdn.example', ip(known))).toBe(true);
    vi.advanceTimersByTime(1);
    expect(recent.has('cdn.example', ip('192.0.2.1'))).toBe(false);
    expect(recent.has('cdn.example', ip('192.0.2.2'))).toBe(true);
  });

  it('counts from the last answer that had the address', () => {
    const recent = new RecentAddresses(10);
    recent.note('cdn.example', [ip('192.0.2.1')]);
    vi.advanceTimersByTime(RECENT_MS / 2);
    recent.note('cdn.example', [ip('192.0.2.1')]);
    vi.advanceTimersByTime(RECENT_MS);
    expect(recent.has('cdn.example', ip('192.0.2.1'))).toBe(true);
  });

  it('keeps names apart', () => {
    const recent = new RecentAddresses(10);
    recent.note('a.example', [ip('192.0.2.1')]);
    expect(recent.has('b.example', ip('192.0.2.1'))).toBe(false);
  });

  it('keeps no more than 128 addresses of a name, and no more names than it was told', () => {
    const recent = new RecentAddresses(1);
    const numbered = (at: number) => ip(`192.0.2.${at}`);
    for (let at = 0; at < 129; at += 1) recent.note('a.example', [numbered(at)]);
    expect(recent.has('a.example', numbered(0))).toBe(false);
    expect(recent.has('a.example', numbered(1))).toBe(true);
    recent.note('b.example', [numbered(0)]);
    expect(recent.has('a.example', numbered(1))).toBe(false);
  });

  it('holds its bytes, however many addresses its names have', () => {
    const names = 500;
    const recent = new RecentAddresses(names);
    const most = Array.from({ length: 128 }, (_, at) => ip(`192.0.2.${at}`));
    for (let at = 0; at < names; at += 1) recent.note(`${at}.example`, most);
    expect(recent.bytes).toBeLessThanOrEqual(names * BYTES_A_NAME);
    // Noted again, a name is counted once, by what it holds now.
    const lone = new RecentAddresses(names);
    for (let at = 0; at < 10_000; at += 1) lone.note('a.example', most);
    expect(lone.bytes).toBeLessThan(16_000);
  });
});
