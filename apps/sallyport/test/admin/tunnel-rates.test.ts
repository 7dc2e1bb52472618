import { describe, expect, it } from 'vitest';
import { TunnelRates } from '../../src/admin/tunnel-rates.ts';

function tunnel(bytesUp: number, bytesDown: number) {
  return {
    number: 7,
    openedAt: 1_000,
    bytesUp,
    bytesDown,
    facts: () => undefined,
    mentions: () => false,
    cut: () => undefined,
  };
}

describe('the rate of a tunnel', () => {
  it('is that of its life when it is first asked for, and then that since it was', () => {
    const rates = new TunnelRates();
    const first = tunnel(6_000, 2_000);
    expect(rates.measure([first], 5_000)(first)).toBe(2_000);
    const later = tunnel(6_500, 2_500);
    expect(rates.measure([later], 7_000)(later)).toBe(500);
  });

  it('is never taken over less than two seconds, however many ask', () => {
    const rates = new TunnelRates();
    for (let now = 10_000; now <= 20_000; now += 100) {
      const bytes = now - 10_000;
      const each = tunnel(bytes, 0);
      const rate = rates.measure([each], now)(each);
      if (now > 12_000) expect(rate).toBeCloseTo(1_000);
    }
  });
});
