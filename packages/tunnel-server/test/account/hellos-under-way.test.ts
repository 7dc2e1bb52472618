import { describe, expect, it } from 'vitest';
import { HellosUnderWay } from '../../src/account/hellos-under-way.ts';

describe('hellos under way', () => {
  it('are a loop once three live tunnels have sent the same one up', () => {
    const hellos = new HellosUnderWay();
    const places = [hellos.enter(7), hellos.enter(7), hellos.enter(7)];
    expect(() => hellos.enter(7)).toThrow(expect.objectContaining({ reason: 'loop' }));

    for (const place of places) hellos.leave(place);
    expect(() => hellos.enter(7)).not.toThrow();
  });

  it('are nobody else’s: other hellos pass meanwhile, and so do those without a random', () => {
    const hellos = new HellosUnderWay();
    for (let tunnel = 0; tunnel < 3; tunnel++) hellos.enter(7);
    for (let random = 8; random < 10_000; random++) hellos.enter(random);
    for (let tunnel = 0; tunnel < 100; tunnel++) hellos.leave(hellos.enter(0));
    for (let tunnel = 0; tunnel < 100; tunnel++) hellos.enter(0);
  });
});
