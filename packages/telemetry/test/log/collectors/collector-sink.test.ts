import { afterEach, describe, expect, it, vi } from 'vitest';
import { CollectorSink, type Delivery } from '../../../src/log/collectors/collector-sink.ts';
import type { WrittenLine } from '../../../src/log/sink.ts';

function lineOf(text: string): WrittenLine {
  const bytes = Buffer.from(`${text}\n`);
  return { bytes, length: bytes.length, level: 'info', seq: 1 };
}

/** A collector that does what a test says with each batch, and what it was told of. */
function openSink(answer: (lines: readonly string[], attempt: number) => Delivery | Promise<Delivery>) {
  const taken: string[] = [];
  const events: unknown[] = [];
  let attempts = 0;
  const courier = {
    deliver: async (lines: readonly string[]) => {
      attempts += 1;
      const delivery = await answer(lines, attempts);
      if (delivery.kind === 'taken') taken.push(...lines);
      return delivery;
    },
    close: () => undefined,
  };
  const sink = new CollectorSink(courier, {
    onLost: (detail) => events.push(detail),
    onBack: (dropped) => events.push(dropped),
  });
  return { sink, taken, events };
}

const failed = (detail: string, retryAfterMs = 1): Delivery => ({ kind: 'failed', detail, retryAfterMs });

afterEach(() => void vi.useRealTimers());

describe('a collector', () => {
  it('gets every line in order, also what comes while a batch is under way', async () => {
    const { sink, taken } = openSink(() => ({ kind: 'taken' }));
    const lines = Array.from({ length: 3_000 }, (_, index) => `{"n":${index},"pad":"${'x'.repeat(50)}"}`);
    for (const [index, line] of lines.entries()) {
      sink.write(lineOf(line));
      if (index % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await sink.close();
    expect(taken).toEqual(lines);
    expect(sink.linesDropped).toBe(0);
  });

  it('that is gone for a while gets the same batch again, and is told of once lost and once back', async () => {
    const { sink, taken, events } = openSink((_, attempt) => (attempt <= 3 ? failed('refused') : { kind: 'taken' }));
    sink.write(lineOf('a'));
    await expect.poll(() => taken).toEqual(['a']);
    sink.write(lineOf('b'));
    await sink.close();
    expect(taken).toEqual(['a', 'b']);
    expect(events).toEqual(['refused', 0]);
  });

  it('that takes nothing costs what its queue holds; the rest is dropped and counted', async () => {
    const { sink, events } = openSink(() => failed('refused'));
    const line = lineOf('x'.repeat(1023));
    for (let count = 0; count < 10_000; count += 1) sink.write(line);
    expect(sink.linesDropped).toBe(10_000 - 4 * 1024);
    await sink.close();
    expect(events).toEqual(['refused']);
  });

  it('that comes and goes is told of once in a while only', async () => {
    const { sink, taken, events } = openSink((_, attempt) =>
      attempt % 2 === 1 ? failed('refused') : { kind: 'taken' },
    );
    for (const text of ['a', 'b', 'c']) {
      sink.write(lineOf(text));
      await expect.poll(() => taken).toContain(text);
    }
    await sink.close();
    expect(events).toEqual(['refused', 0]);
  });

  it('that is lost again soon is told of where the loss lasts', async () => {
    vi.useFakeTimers();
    const { sink, events } = openSink((_, attempt) => (attempt === 2 ? { kind: 'taken' } : failed('refused', 500)));
    sink.write(lineOf('a'));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(events).toEqual(['refused', 0]);
    sink.write(lineOf('b'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(events).toEqual(['refused', 0, 'refused']);
    await sink.close();
  });

  it('that stays away for another reason is told of again, and for the same reason is not', async () => {
    vi.useFakeTimers();
    const { sink, events } = openSink((_, attempt) =>
      failed(attempt <= 2 ? 'refused' : 'certificate has expired', 20_000),
    );
    sink.write(lineOf('a'));
    await vi.advanceTimersByTimeAsync(90_000);
    expect(events).toEqual(['refused', 'certificate has expired']);
    await sink.close();
  });

  it('that rejects lines is not asked again for them', async () => {
    const { sink, taken, events } = openSink((lines, attempt) =>
      attempt === 1 ? { kind: 'rejected', lines: lines.length, detail: 'it answers 400' } : { kind: 'taken' },
    );
    sink.write(lineOf('a'));
    await expect.poll(() => sink.linesDropped).toBe(1);
    sink.write(lineOf('b'));
    await sink.close();
    expect(taken).toEqual(['b']);
    expect(events).toEqual(['it answers 400', 1]);
  });

  it('that is gone when it is closed has every line that waits for it counted as lost', async () => {
    const { sink, events } = openSink(() => failed('refused', 60_000));
    sink.write(lineOf('a'));
    await expect.poll(() => events, { timeout: 20_000 }).toEqual(['refused']);
    for (const text of ['b', 'c', 'd']) sink.write(lineOf(text));
    await sink.close();
    expect(sink.linesDropped).toBe(4);
  });

  it('that never answers does not keep the process from ending', async () => {
    let asked = 0;
    const { sink } = openSink(() => {
      asked += 1;
      return new Promise<Delivery>(() => undefined);
    });
    sink.write(lineOf('a'));
    await expect.poll(() => asked, { timeout: 20_000 }).toBe(1);
    sink.write(lineOf('b'));
    const before = performance.now();
    await sink.close();
    expect(sink.linesDropped).toBe(2);
    expect(performance.now() - before).toBeLessThan(5_000);
  });
});
