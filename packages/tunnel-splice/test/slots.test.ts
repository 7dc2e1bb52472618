import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slots } from '../src/slots.ts';

describe('slots', () => {
  it('hold what a map from their numbers would hold, and give numbers again', () => {
    const steps = fc.array(fc.oneof(fc.constant('add' as const), fc.nat({ max: 20 })));
    fc.assert(
      fc.property(steps, (all) => {
        const slots = new Slots<object>();
        const model = new Map<number, object>();
        for (const step of all) {
          if (step === 'add') {
            const thing = {};
            const slot = slots.add(thing);
            expect(model.has(slot)).toBe(false);
            expect(slot).toBeLessThanOrEqual(model.size + 20);
            model.set(slot, thing);
          } else {
            slots.remove(step);
            model.delete(step);
          }
          expect(slots.count).toBe(model.size);
          expect(new Set(slots)).toEqual(new Set(model.values()));
          for (const [slot, thing] of model) expect(slots.get(slot)).toBe(thing);
        }
      }),
    );
  });
});
