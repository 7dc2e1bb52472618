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

  it('count where they were sent up before anybody asked, and are none the less a loop', () => {
    const hellos = new HellosUnderWay();
    const places = [hellos.add(7), hellos.enter(7), hellos.add(7)];
    expect(() => hellos.enter(7)).toThrow(expect.objectContaining({ reason: 'loop' }));
    expect(() => hellos.add(7)).not.toThrow();

    for (const place of [...places, ...places.slice(0, 1)]) hellos.leave(place);
    expect(() => [hellos.enter(7), hellos.enter(7), hellos.enter(7)]).not.toThrow();
    expect(() => hellos.enter(7)).toThrow(expect.objectContaining({ reason: 'loop' }));
  });

  it('have no place where they have no random', () => {
    const hellos = new HellosUnderWay();
    for (let tunnel = 0; tunnel < 100; tunnel++) expect(hellos.add(0)).toBe(hellos.enter(0));
  });

  it('are known to be several, as long as they are', () => {
    const hellos = new HellosUnderWay();
    const place = hellos.add(7);
    expect(hellos.isAgain(place)).toBe(false);
    expect(hellos.isAgain(hellos.add(7))).toBe(true);
    hellos.leave(place);
    expect(hellos.isAgain(place)).toBe(false);
    expect(hellos.isAgain(hellos.add(0))).toBe(false);
  });

  it('make room for another one with the same place', () => {
    const hellos = new HellosUnderWay();
    const place = hellos.add(7);
    expect(hellos.add(7 + 4_096)).toBe(place);
    for (let tunnel = 0; tunnel < 2; tunnel++) hellos.enter(7 + 4_096);
    expect(() => hellos.enter(7 + 4_096)).toThrow(expect.objectContaining({ reason: 'loop' }));
    expect(() => hellos.enter(7)).not.toThrow();
  });
});
