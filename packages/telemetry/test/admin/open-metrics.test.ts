import { describe, expect, it } from 'vitest';
import { acceptsOpenMetrics, toOpenMetrics } from '../../src/admin/open-metrics.ts';

describe('acceptsOpenMetrics', () => {
  it.each([
    ['application/openmetrics-text', true],
    ['application/openmetrics-text; version=1.0.0', true],
    ['Application/OpenMetrics-Text;Version=1.0.0;charset=utf-8', true],
    // Prometheus 2 and 3.
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      true,
    ],
    ['text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.6', true],
    [undefined, false],
    ['', false],
    ['*/*', false],
    ['application/*', false],
    ['application/openmetrics-text;version=0.0.1', false],
    ['application/openmetrics-text;version=2.0.0', false],
    ['application/openmetrics-text;q=0', false],
    ['text/plain, application/openmetrics-text;q=0.5', false],
  ])('%s: %s', (accept, isAccepted) => {
    expect(acceptsOpenMetrics(accept)).toBe(isAccepted);
  });
});

describe('toOpenMetrics', () => {
  it('names families, bounds and the end as OpenMetrics does', () => {
    const text = [
      '# HELP a_total Says "a".',
      '# TYPE a_total counter',
      'a_total{le="5",rule="b_total"} 1',
      '',
      '# HELP c_seconds C.',
      '# TYPE c_seconds histogram',
      'c_seconds_bucket{le="0.5",listener="x"} 1',
      'c_seconds_bucket{le="1",listener="x"} 1',
      'c_seconds_bucket{le="+Inf",listener="x"} 2',
      '',
      '# HELP d D.',
      '# TYPE d gauge',
      'd 7',
      '',
    ].join('\n');
    expect(toOpenMetrics(text)).toBe(
      [
        String.raw`# HELP a Says \"a\".`,
        '# TYPE a counter',
        'a_total{le="5.0",rule="b_total"} 1',
        '# HELP c_seconds C.',
        '# TYPE c_seconds histogram',
        'c_seconds_bucket{le="0.5",listener="x"} 1',
        'c_seconds_bucket{le="1.0",listener="x"} 1',
        'c_seconds_bucket{le="+Inf",listener="x"} 2',
        '# HELP d D.',
        '# TYPE d gauge',
        'd 7',
        '# EOF',
        '',
      ].join('\n'),
    );
  });
});
