import { beforeEach, describe, expect, it } from 'vitest';
import {
  type AddressChange,
  LONGEST_PAUSE_MS,
  MachineAddresses,
  remember,
  SHORTEST_PAUSE_MS,
} from '../src/machine-addresses.ts';
import { ip } from '../../addresses/test/literal.ts';

let nowMs: number;
let addresses: readonly string[];
let readings: number;
let readingMs: number;
let changes: AddressChange[];
let failure: Error | undefined;

beforeEach(() => {
  [nowMs, readings, readingMs] = [0, 0, 0];
  addresses = ['192.0.2.10'];
  changes = [];
  failure = undefined;
});

function open(): MachineAddresses {
  const read = (): readonly string[] => {
    readings += 1;
    nowMs += readingMs;
    if (failure !== undefined) throw failure;
    return addresses;
  };
  return new MachineAddresses({ read, nowMs: () => nowMs, onChange: (change) => changes.push(change) });
}

describe('MachineAddresses', () => {
  it.each([
    { what: 'a tenth of a second', costMs: 0.0625, pauseMs: SHORTEST_PAUSE_MS },
    { what: 'a thousand times what a reading takes', costMs: 1, pauseMs: 1_000 },
    { what: 'two seconds at most', costMs: 50, pauseMs: LONGEST_PAUSE_MS },
  ])('reads the interfaces again after $what, and not before', ({ costMs, pauseMs }) => {
    readingMs = costMs;
    const machine = open();
    nowMs += SHORTEST_PAUSE_MS;
    machine.refresh();
    addresses = ['192.0.2.20'];
    nowMs += pauseMs - 1;
    expect(machine.has(ip('192.0.2.20'))).toBe(false);
    expect(readings).toBe(2);
    nowMs += 1;
    expect(machine.has(ip('192.0.2.20'))).toBe(true);
    expect(readings).toBe(3);
  });

  it('does not take one reading during which another process had the processor for the rule', () => {
    const machine = open();
    readingMs = 50;
    nowMs += SHORTEST_PAUSE_MS;
    machine.refresh();
    addresses = ['192.0.2.20'];
    nowMs += SHORTEST_PAUSE_MS;
    expect(machine.has(ip('192.0.2.20'))).toBe(true);
  });

  it('keeps what it knows while the interfaces cannot be read, and reads them again later', () => {
    const machine = open();
    const before = readings;
    failure = new Error('EMFILE');
    nowMs += LONGEST_PAUSE_MS;
    machine.refresh();
    expect(readings).toBe(before + 1);
    expect(machine.has(ip('192.0.2.10'))).toBe(true);
    expect(changes).toEqual([]);
    failure = undefined;
    addresses = ['192.0.2.20'];
    nowMs += LONGEST_PAUSE_MS;
    expect(machine.has(ip('192.0.2.20'))).toBe(true);
  });

  it('tells what has changed, once', () => {
    const machine = open();
    addresses = ['192.0.2.20', '2001:db8:0::20'];
    for (let times = 0; times < 3; times += 1) {
      nowMs += LONGEST_PAUSE_MS;
      machine.refresh();
    }
    expect(changes).toEqual([{ added: ['192.0.2.20', '2001:db8::20'], removed: ['192.0.2.10'] }]);
  });

  it('has an address no more once a reading lacks it, and loopback always', () => {
    addresses = ['192.0.2.10', '127.0.0.1', '::1'];
    const machine = open();
    addresses = [];
    nowMs += LONGEST_PAUSE_MS;
    expect(machine.has(ip('192.0.2.10'))).toBe(false);
    for (const host of ['127.0.0.1', '127.9.9.9', '::1']) expect(machine.has(ip(host))).toBe(true);
  });

  it('reads the interfaces of this machine', () => {
    expect(new MachineAddresses().has(ip('198.51.100.254'))).toBe(false);
  });
});

describe('without the addon', () => {
  it('an address that was seen stays, for its interface may only have lost its carrier', () => {
    const seen = new Set<string>();
    expect(remember(seen, ['192.0.2.10', '192.0.2.20'])).toEqual(['192.0.2.10', '192.0.2.20']);
    expect(remember(seen, ['192.0.2.10'])).toEqual(['192.0.2.20', '192.0.2.10']);
  });

  it('the first that went are forgotten where very many come and go, and never a present one', () => {
    const seen = new Set<string>();
    let kept: readonly string[] = [];
    for (let nth = 0; nth < 1_000; nth += 1) kept = remember(seen, ['192.0.2.10', `2001:db8::${nth.toString(16)}`]);
    expect(kept).toHaveLength(256);
    expect(kept).toContain('192.0.2.10');
    expect(kept).toContain('2001:db8::3e7');
    expect(kept).not.toContain('2001:db8::1');
  });
});
