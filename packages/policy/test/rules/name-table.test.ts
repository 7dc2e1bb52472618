import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finish } from '@sallyport/config';
import { NameTable } from '../../src/rules/name-table.ts';

function tableOf(numbers: Readonly<Record<string, number>>): NameTable {
  const table = new NameTable();
  for (const [name, number] of Object.entries(numbers)) add(table, name, () => number);
  return table;
}

function add(table: NameTable, name: string, change: (present: number) => number): void {
  if (!table.hasRoom) finish(table.makeRoom());
  table.update(name, change);
}

describe('NameTable', () => {
  it('finds a name and every suffix of it, and nothing beside', () => {
    const table = tableOf({ 'a.b.c': 1, '.b.c': 2, '.c': 3, 'b.c': 4, '.a.b.c': 5, 'xa.b.c': 6 });
    expect(table.valuesOf('a.b.c').toSorted()).toEqual([1, 2, 3]);
    expect(table.valuesOf('b.c').toSorted()).toEqual([3, 4]);
    expect(table.valuesOf('.b.c').toSorted()).toEqual([2, 3]);
    expect(table.valuesOf('c')).toEqual([]);
    expect(table.valuesOf('d')).toEqual([]);
  });

  it('tells the number a name has before it is changed, 0 for a new one', () => {
    const table = new NameTable();
    const seen: number[] = [];
    const count = (present: number): number => {
      seen.push(present);
      return present + 1;
    };
    for (const name of ['a', 'b', 'a', 'a']) add(table, name, count);
    expect(seen).toEqual([0, 0, 1, 2]);
    expect([...table.valuesOf('a'), ...table.valuesOf('b')]).toEqual([3, 1]);
  });

  it('holds the longest name there is, and tells it from one that differs at either end', () => {
    const longest = `${'a'.repeat(63)}.`.repeat(4).slice(0, 253);
    const table = tableOf({ [longest]: 1, [`.${longest}`]: 2 });
    expect(table.valuesOf(longest)).toEqual([1]);
    expect(table.valuesOf(`b.${longest}`)).toEqual([2]);
    expect(table.valuesOf(`b${longest.slice(1)}`)).toEqual([]);
    expect(table.valuesOf(`${longest.slice(0, -1)}b`)).toEqual([]);
  });

  it('grows in many steps', () => {
    const table = new NameTable();
    let steps = 0;
    for (let number = 0; number < 100_000; number += 1) {
      if (!table.hasRoom) steps += [...table.makeRoom()].length;
      table.update(`host-${number}.example`, () => 1);
    }
    // All that were there before are placed anew each time.
    expect(steps).toBeGreaterThan(65);
    expect(table.valuesOf('host-99999.example')).toEqual([1]);
  });

  it('answers as a Map does, however much it has grown', () => {
    const label = fc.string({ unit: fc.constantFrom('a', 'b', '-', '1'), minLength: 1, maxLength: 3 });
    const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
    const key = fc.oneof(
      name,
      name.map((text) => `.${text}`),
    );
    fc.assert(
      fc.property(fc.array(key, { maxLength: 400 }), fc.array(name, { maxLength: 50 }), (keys, asked) => {
        const map = new Map(keys.map((each, at) => [each, at + 1]));
        const table = new NameTable();
        for (const [at, each] of keys.entries()) add(table, each, () => at + 1);
        for (const text of asked) {
          const suffixes = [...text.matchAll(/\./g)].map(({ index }) => text.slice(index));
          const expected = [text, ...suffixes].flatMap((each) => map.get(each) ?? []);
          expect(table.valuesOf(text).toSorted()).toEqual(expected.toSorted());
        }
      }),
    );
  });
});
