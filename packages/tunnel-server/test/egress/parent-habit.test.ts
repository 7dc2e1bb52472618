import { describe, expect, it } from 'vitest';
import { ParentHabit } from '../../src/egress/parent-habit.ts';

const usual = Buffer.from('HTTP/1.1 200 OK\r\n\r\n');
const dated = (second: number): Buffer => Buffer.from(`HTTP/1.1 200 OK\r\nDate: ${second}\r\n\r\n`);

function habitAfter(...answers: readonly Uint8Array[]): string | undefined {
  const habit = new ParentHabit();
  for (const said of answers) habit.opened(said);
  return habit.answer && Buffer.from(habit.answer).toString('latin1');
}

describe('what a parent is expected to say', () => {
  it.each([
    ['nothing before it has opened a way', [], undefined],
    ['nothing after one', [usual], undefined],
    ['the words of the last two, where they were the same', [usual, usual], usual.toString()],
    ['nothing where each time is another', [dated(1), dated(2), dated(3)], undefined],
    ['nothing any more once it has said something else', [usual, usual, dated(1)], undefined],
    ['other words once it has said those twice', [usual, usual, dated(1), dated(1)], dated(1).toString()],
    ['nothing where its words are told to nobody', [new Uint8Array(0), new Uint8Array(0)], undefined],
    ['nothing that is long', [Buffer.alloc(513), Buffer.alloc(513)], undefined],
  ])('is %s', (_what, answers, expected) => {
    expect(habitAfter(...answers)).toBe(expected);
  });

  it('is a copy of what was read', () => {
    const said = Buffer.from(usual);
    const habit = new ParentHabit();
    habit.opened(said);
    habit.opened(said);
    said.fill(0);
    expect(Buffer.from(habit.answer ?? []).equals(usual)).toBe(true);
  });
});
