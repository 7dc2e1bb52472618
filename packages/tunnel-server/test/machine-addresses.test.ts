import { beforeEach, describe, expect, it } from 'vitest';
import { type AddressChange, LONGEST_PAUSE_MS, MachineAddresses, SHORTEST_PAUSE_MS } from '../src/machine-addresses.ts';
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

  it('knows which it has lost, until they are back', () => {
    const machine = open();
    expect(machine.hasLost(ip('192.0.2.10'))).toBe(false);
    addresses = [];
    nowMs += LONGEST_PAUSE_MS;
    expect(machine.hasLost(ip('192.0.2.10'))).toBe(true);
    expect(machine.hasLost(ip('192.0.2.99')), 'it was never here').toBe(false);
    addresses = ['192.0.2.10'];
    nowMs += LONGEST_PAUSE_MS;
    expect(machine.hasLost(ip('192.0.2.10'))).toBe(false);
  });

  it('forgets the first that it lost, where very many come and go', () => {
    const machine = open();
    for (let nth = 0; nth < 300; nth += 1) {
      addresses = [`198.51.100.${nth % 200}`, `203.0.113.${nth % 250}`];
      nowMs += LONGEST_PAUSE_MS;
      machine.refresh();
    }
    expect(machine.hasLost(ip('192.0.2.10'))).toBe(false);
    expect(machine.hasLost(ip('203.0.113.48'))).toBe(true);
  });

  it('never loses loopback', () => {
    addresses = ['127.0.0.1', '::1'];
    const machine = open();
    addresses = [];
    nowMs += LONGEST_PAUSE_MS;
    for (const host of ['127.0.0.1', '127.9.9.9', '::1']) {
      expect(machine.has(ip(host))).toBe(true);
      expect(machine.hasLost(ip(host))).toBe(false);
    }
  });

  it('reads the interfaces of this machine', () => {
    expect(new MachineAddresses().has(ip('198.51.100.254'))).toBe(false);
  });
});
