import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Occupancy } from '../../src/limits/occupancy.ts';

describe('Occupancy', () => {
  it('counts what is inside, however clients come and go, and forgets who has left', () => {
    const moves = fc.array(fc.record({ client: fc.constantFrom(1, 2, '0:1'), enters: fc.boolean() }), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(moves, (all) => {
        const occupancy = new Occupancy();
        const inside: (string | number)[] = [];
        for (const { client, enters } of all) {
          if (enters) {
            occupancy.enter(client);
            inside.push(client);
          } else if (inside.includes(client)) {
            occupancy.leave(client);
            inside.splice(inside.indexOf(client), 1);
          }
          expect(occupancy.total).toBe(inside.length);
          expect(occupancy.of(client)).toBe(inside.filter((each) => each === client).length);
          expect(occupancy.clients).toBe(new Set(inside).size);
        }
      }),
    );
  });
});
