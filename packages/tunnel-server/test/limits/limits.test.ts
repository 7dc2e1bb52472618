import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIp, type Ip } from '@sallyport/addresses';
import { createLimits } from '../../src/limits/limits.ts';
import type { Admission } from '../../src/limits/refuse.ts';
import type { ConnectionLimits } from '../../src/limits/scopes.ts';

const ALICE = ip('192.0.2.1');
const BOB = ip('192.0.2.2');
const ROOMY: ConnectionLimits = { tunnels: 1000, tunnels_per_client: 1000 };
const explicit = (limits: ConnectionLimits) => ({ name: 'explicit', limits });
const transparent = (limits: ConnectionLimits) => ({ name: 'transparent', limits });

describe('limits.tunnels', () => {
  it('admits N, and not N+1, and the next when one has left', () => {
    const limits = { ...ROOMY, tunnels: 3 };
    const counted = createLimits(limits);
    admitted(counted.admit(explicit(limits), ALICE));
    admitted(counted.admit(explicit(limits), BOB));
    admitted(counted.admit(transparent(limits), BOB));
    expect(counted.admit(transparent(limits), BOB)).toEqual({ kind: 'refused', reason: 'overload' });
    counted.leave('explicit', ALICE);
    admitted(counted.admit(transparent(limits), BOB));
  });

  it('holds a listener that overrides it to its own count, and the others to the count over all', () => {
    const shared = { ...ROOMY, tunnels: 3 };
    const own = { ...ROOMY, tunnels: 2 };
    const counted = createLimits(shared);
    admitted(counted.admit(explicit(own), ALICE));
    admitted(counted.admit(explicit(own), ALICE));
    expect(counted.admit(explicit(own), ALICE)).toMatchObject({ reason: 'overload' });
    admitted(counted.admit(transparent(shared), ALICE));
    expect(counted.admit(transparent(shared), ALICE)).toMatchObject({ reason: 'overload' });
  });

  it('tells how many connections a listener is held to: all, or where its limit is its own, those it has', () => {
    const shared = { ...ROOMY, tunnels: 9 };
    const own = { ...ROOMY, tunnels: 5 };
    const counted = createLimits(shared);
    admitted(counted.admit(explicit(own), ALICE));
    admitted(counted.admit(transparent(shared), BOB));
    expect([counted.tunnelsHeld(explicit(own)), counted.tunnelsHeld(transparent(shared))]).toEqual([1, 2]);
    counted.leave('explicit', ALICE);
    expect([counted.tunnelsHeld(explicit(own)), counted.tunnelsHeld(transparent(shared))]).toEqual([0, 1]);
  });

  it('can be overridden upwards', () => {
    const counted = createLimits({ ...ROOMY, tunnels: 1 });
    const own = { ...ROOMY, tunnels: 2 };
    admitted(counted.admit(explicit(own), ALICE));
    admitted(counted.admit(explicit(own), ALICE));
    expect(counted.admit(explicit(own), ALICE)).toMatchObject({ reason: 'overload' });
  });
});

describe('room for connections that are promised', () => {
  const shared = { tunnels: 400, tunnels_per_client: 40 };

  it('is a fourth of each limit', () => {
    expect(createLimits(shared).roomFor(explicit(shared), ALICE)).toEqual({ inAll: 100, toClient: 10 });
  });

  it('is none of a limit of which more than half is taken', () => {
    const counted = createLimits(shared);
    for (let taken = 0; taken < 20; taken++) admitted(counted.admit(explicit(shared), ALICE));
    expect(counted.roomFor(explicit(shared), ALICE)).toEqual({ inAll: 100, toClient: 10 });
    admitted(counted.admit(transparent(shared), ALICE));
    expect(counted.roomFor(explicit(shared), ALICE)).toEqual({ inAll: 100, toClient: 0 });
    expect(counted.roomFor(explicit(shared), BOB)).toEqual({ inAll: 100, toClient: 10 });

    for (let client = 0; client < 180; client++) counted.enter(explicit(shared), ip(`198.51.100.${client}`));
    expect(counted.roomFor(explicit(shared), BOB)).toEqual({ inAll: 0, toClient: 10 });
    counted.leave('explicit', ip('198.51.100.0'));
    expect(counted.roomFor(explicit(shared), BOB)).toEqual({ inAll: 100, toClient: 10 });
  });

  it('is compared with the count of a listener where the limit is its own, and otherwise with the count over all', () => {
    const counted = createLimits(shared);
    const own = { tunnels: 40, tunnels_per_client: 4 };
    for (let taken = 0; taken < 3; taken++) admitted(counted.admit(explicit(own), ALICE));
    expect(counted.roomFor(explicit(own), ALICE)).toEqual({ inAll: 10, toClient: 0 });
    for (let taken = 0; taken < 18; taken++) admitted(counted.admit(transparent(shared), ALICE));
    expect(counted.roomFor(transparent(shared), ALICE)).toEqual({ inAll: 100, toClient: 0 });
    expect(counted.roomFor(explicit(own), BOB)).toEqual({ inAll: 10, toClient: 1 });
  });

  it('is bounded by the count over all, too, where another listener is compared with it', () => {
    const counted = createLimits(shared);
    const own = { tunnels: 4_000, tunnels_per_client: 4_000 };
    for (let taken = 0; taken < 201; taken++) counted.enter(explicit(own), ALICE);
    expect(counted.roomFor(explicit(own), ALICE)).toEqual({ inAll: 1_000, toClient: 1_000 });
    counted.update(shared, [explicit(own), transparent({ ...own, tunnels: 400 })]);
    expect(counted.roomFor(explicit(own), ALICE)).toEqual({ inAll: 0, toClient: 1_000 });
    counted.update(shared, [explicit(own), transparent({ ...own, tunnels_per_client: 40 })]);
    expect(counted.roomFor(explicit(own), BOB)).toEqual({ inAll: 1_000, toClient: 10 });
    expect(counted.roomFor(explicit(own), ALICE)).toEqual({ inAll: 1_000, toClient: 0 });
  });

  it('counts connections whose client is not known yet', () => {
    const counted = createLimits({ ...ROOMY, tunnels: 3 });
    const listener = explicit({ ...ROOMY, tunnels: 3 });
    const ends = [counted.awaitClient(listener), counted.awaitClient(listener)];
    expect(counted.roomFor(listener, ALICE)).toMatchObject({ inAll: 0 });
    for (const end of ends) end?.();
    expect(counted.roomFor(explicit(ROOMY), ALICE)).toEqual({ inAll: 250, toClient: 250 });
  });

  it.each([
    [{ ...shared, new_per_client: 1_000 }, undefined],
    [
      { ...shared, new_per_client: Infinity },
      { inAll: 100, toClient: 10 },
    ],
  ])('is none where each connection needs a token: with %o it is %o', (limits, room) => {
    expect(createLimits(limits).roomFor(explicit(limits), ALICE)).toEqual(room);
  });

  it('is taken, and given back, as by any connection', () => {
    const counted = createLimits(shared);
    for (let time = 0; time < 3; time++) counted.enter(explicit(shared), ALICE);
    expect([counted.tunnelsHeld(explicit(shared)), counted.mostHeld(explicit(shared))]).toEqual([3, 3]);
    for (let time = 0; time < 3; time++) counted.leave('explicit', ALICE);
    expect([counted.tunnelsHeld(explicit(shared)), counted.remembered()]).toEqual([0, 0]);
  });
});

describe('asking beforehand', () => {
  it('says what admission would, and takes neither a place nor a token', () => {
    const limits = { tunnels: 3, tunnels_per_client: 2, new_per_client: 4 };
    const counted = createLimits(limits, () => 0);
    for (let round = 0; round < 9; round++) expect(counted.wouldAdmit(explicit(limits), ALICE)).toBe(true);
    expect(counted.remembered()).toBe(0);
    admitted(counted.admit(explicit(limits), ALICE));
    admitted(counted.admit(explicit(limits), ALICE));
    expect([ALICE, BOB].map((client) => counted.wouldAdmit(explicit(limits), client))).toEqual([false, true]);
    admitted(counted.admit(explicit(limits), BOB));
    expect(counted.wouldAdmit(explicit(limits), BOB)).toBe(false);
  });
});

describe('limits.tunnels_per_client', () => {
  it('admits N of one client, and not N+1, and leaves other clients alone', () => {
    const limits = { ...ROOMY, tunnels_per_client: 2 };
    const counted = createLimits(limits);
    admitted(counted.admit(explicit(limits), ALICE));
    admitted(counted.admit(transparent(limits), ALICE));
    expect(counted.admit(explicit(limits), ALICE)).toEqual({
      kind: 'refused',
      reason: 'client_limit',
      retryAfterSeconds: 1,
    });
    admitted(counted.admit(explicit(limits), BOB));
    counted.leave('transparent', ALICE);
    admitted(counted.admit(explicit(limits), ALICE));
  });

  it.each([
    ['2001:db8:0:1::1', '2001:db8:0:1:ffff::2', 'refused'],
    ['2001:db8:0:1::1', '2001:db8:0:2::1', 'admitted'],
    ['2001:db8:0:1::1', '2001:db9:0:1::1', 'admitted'],
    ['0.0.0.1', '::1', 'admitted'],
  ])('takes an IPv6 /64 for one client: %s, then %s is %s', (first, second, kind) => {
    const limits = { ...ROOMY, tunnels_per_client: 1 };
    const counted = createLimits(limits);
    admitted(counted.admit(explicit(limits), ip(first)));
    expect(counted.admit(explicit(limits), ip(second))).toMatchObject({ kind });
  });
});

describe('limits.new_per_client', () => {
  it('is a token bucket per client that says when to come back', () => {
    let now = 5000;
    const limits = { ...ROOMY, new_per_client: 0.4 };
    const counted = createLimits(limits, () => now);
    admitted(counted.admit(explicit(limits), ALICE));
    counted.leave('explicit', ALICE);
    expect(counted.admit(explicit(limits), ALICE)).toEqual({
      kind: 'refused',
      reason: 'client_limit',
      retryAfterSeconds: 3,
    });
    admitted(counted.admit(explicit(limits), BOB));
    now += 2500;
    admitted(counted.admit(explicit(limits), ALICE));
  });

  it('spends no token on a connection that another limit refuses', () => {
    const limits = { ...ROOMY, tunnels: 1, new_per_client: 2 };
    const counted = createLimits(limits, () => 0);
    admitted(counted.admit(explicit(limits), ALICE));
    for (let knock = 0; knock < 5; knock++)
      expect(counted.admit(explicit(limits), ALICE)).toMatchObject({ reason: 'overload' });
    counted.leave('explicit', ALICE);
    admitted(counted.admit(explicit(limits), ALICE));
  });

  it.each([undefined, Infinity])('is off when it is %s', (rate) => {
    const limits = { ...ROOMY, tunnels: 5000, tunnels_per_client: 5000, new_per_client: rate };
    const counted = createLimits(limits, () => 0);
    for (let connection = 0; connection < 5000; connection++) admitted(counted.admit(explicit(limits), ALICE));
  });
});

describe('a reload', () => {
  it('carries the counts over and holds newcomers to the new numbers', () => {
    const before = { ...ROOMY, tunnels: 2 };
    const after = { ...ROOMY, tunnels: 1 };
    const limits = createLimits(before);
    for (let place = 0; place < 2; place++) admitted(limits.admit(explicit(before), ALICE));
    limits.update(after, []);
    for (let place = 0; place < 2; place++) {
      expect(limits.admit(explicit(after), BOB)).toMatchObject({ reason: 'overload' });
      limits.leave('explicit', ALICE);
    }
    admitted(limits.admit(explicit(after), BOB));
  });
});

describe('createLimits', () => {
  it('never drifts: when everybody has left, nothing is remembered', () => {
    const arrivals = fc.array(fc.tuple(fc.constantFrom(ALICE, BOB), fc.constantFrom('explicit', 'transparent')));
    fc.assert(
      fc.property(arrivals, (all) => {
        const limits = { tunnels: 10, tunnels_per_client: 4 };
        const counted = createLimits(limits);
        const held = all.filter(([client, name]) => isAdmitted(counted.admit({ name, limits }, client)));
        for (const [client, name] of held) counted.leave(name, client);
        expect(counted.remembered()).toBe(0);
        for (let place = 0; place < 4; place++) admitted(counted.admit({ name: 'explicit', limits }, ALICE));
        expect(counted.admit({ name: 'explicit', limits }, ALICE)).toMatchObject({ kind: 'refused' });
      }),
    );
  });
});

function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (!parsed) throw new Error(`${text} is no IP address`);
  return parsed;
}

function admitted(admission: Admission | Promise<Admission>): void {
  if (admission instanceof Promise) throw new Error('nobody else had to be asked');
  if (admission.kind !== 'admitted') throw new Error(`not admitted: ${admission.reason}`);
}

function isAdmitted(admission: Admission | Promise<Admission>): boolean {
  return !(admission instanceof Promise) && admission.kind === 'admitted';
}
