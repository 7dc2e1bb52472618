import { Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { TimeHistogram } from '../src/time-histogram.ts';

const BOUNDS = [0.001, 0.25, 5];
const OPTIONS = { name: 'wait_seconds', help: 'Time to wait.', label: 'listener', bounds: BOUNDS };
const TIMES = [0, 0.001, 0.0011, 0.25, 4.999, 5, 5.0001, 86_400];

describe('a histogram of times', () => {
  it('reads as the one of prom-client does, bounds included', async () => {
    const [ours, theirs] = [new Registry(), new Registry()];
    const counted = new TimeHistogram(OPTIONS).registerIn(ours);
    const known = new Histogram({
      name: 'wait_seconds',
      help: 'Time to wait.',
      labelNames: ['listener'],
      buckets: BOUNDS,
      registers: [theirs],
    });
    for (const listener of ['explicit', 'quiet']) {
      counted.of(listener);
      known.zero({ listener });
    }
    for (const seconds of TIMES) {
      counted.of('explicit').observe(seconds);
      known.observe({ listener: 'explicit' }, seconds);
    }
    expect(await ours.metrics()).toBe(await theirs.metrics());
  });

  it('is told apart by its label, and goes on counting', () => {
    const histogram = new TimeHistogram(OPTIONS);
    histogram.of('one').observe(0.2);
    expect(histogram.of('one').read()).toMatchObject({ cumulative: [0, 1, 1, 1], sum: 0.2 });
    histogram.of('one').observe(6);
    expect(histogram.of('one').read()).toMatchObject({ cumulative: [0, 1, 1, 2], sum: 6.2 });
    expect(histogram.of('other').read()).toMatchObject({ cumulative: [0, 0, 0, 0], sum: 0 });
  });
});
