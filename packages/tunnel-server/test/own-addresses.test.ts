import { describe, expect, it } from 'vitest';
import { LONGEST_PAUSE_MS, MachineAddresses } from '../src/machine-addresses.ts';
import { ownAddresses } from '../src/own-addresses.ts';
import { ip } from '../../addresses/test/literal.ts';

const machine = new MachineAddresses({
  read: () => ['127.0.0.1', '192.0.2.10', '::1', '2001:db8::10', 'fe80::10'],
});

describe('ownAddresses', () => {
  it('has our ports at the addresses that reach us from elsewhere, and no others', () => {
    const own = ownAddresses([{ host: '127.0.0.1', port: 3128 }], {
      machine: new MachineAddresses({ read: () => [] }),
      elsewhere: ['203.0.113.7', '2001:db8::7'],
    });
    expect(own.includes(ip('203.0.113.7'), 3128)).toBe(true);
    expect(own.includes(ip('2001:db8::7'), 3128)).toBe(true);
    expect(own.includes(ip('64:ff9b::cb00:7107'), 3128)).toBe(true);
    expect(own.includes(ip('203.0.113.7'), 443)).toBe(false);
    expect(own.includes(ip('203.0.113.8'), 3128)).toBe(false);
    expect(own.isListed(ip('203.0.113.7'), 3128)).toBe(true);
    expect(own.isListed(ip('64:ff9b::cb00:7107'), 3128)).toBe(true);
    expect(own.isListed(ip('203.0.113.7'), 443)).toBe(false);
    expect(own.isListed(ip('203.0.113.8'), 3128)).toBe(false);
  });

  it.each([
    ['192.0.2.10', 3128, true, 'the bound address'],
    ['192.0.2.10', 443, false, 'the bound address, another port'],
    ['192.0.2.11', 3128, false, 'another address'],
    ['127.0.0.1', 3128, false, 'loopback, where nothing is bound'],
    ['64:ff9b::192.0.2.10', 3128, true, 'the bound address by way of NAT64'],
    ['::ffff:192.0.2.10', 3128, true, 'the bound address in mapped form'],
  ])('bound to 192.0.2.10:3128, counts %s port %d: %s (%s)', (host, port, isOwn) => {
    const own = ownAddresses([{ host: '192.0.2.10', port: 3128 }], { machine });
    expect(own.includes(ip(host), port)).toBe(isOwn);
  });

  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['0.0.0.0', true],
    ['192.0.2.10', true],
    ['192.0.2.11', false],
    ['::1', false],
    ['::', false],
    ['2001:db8::10', false],
  ])('bound to 0.0.0.0:3128, counts %s: %s', (host, isOwn) => {
    const own = ownAddresses([{ host: '0.0.0.0', port: 3128 }], { machine });
    expect(own.includes(ip(host), 3128)).toBe(isOwn);
  });

  it.each([
    ['::1', true],
    ['::', true],
    ['2001:db8::10', true],
    ['fe80::10', true],
    ['2001:db8::11', false],
    ['127.0.0.1', false],
  ])('bound to [::]:3128, counts %s: %s', (host, isOwn) => {
    const own = ownAddresses([{ host: '::', port: 3128 }], { machine });
    expect(own.includes(ip(host), 3128)).toBe(isOwn);
  });

  it.each([
    ['127.0.0.1', '0.0.0.0'],
    ['::1', '::'],
  ])('bound to %s, counts %s, which the kernel dials to loopback', (bound, dialled) => {
    const own = ownAddresses([{ host: bound, port: 9128 }], { machine });
    expect(own.includes(ip(dialled), 9128)).toBe(true);
  });

  it('knows several listeners on one port', () => {
    const listening = [
      { host: '192.0.2.10', port: 443 },
      { host: '2001:db8::10', port: 443 },
    ];
    const own = ownAddresses(listening, { machine });
    expect(own.includes(ip('192.0.2.10'), 443)).toBe(true);
    expect(own.includes(ip('2001:db8::10'), 443)).toBe(true);
  });

  it("finds this machine's own interfaces behind a wildcard", () => {
    const own = ownAddresses([{ host: '0.0.0.0', port: 443 }]);
    expect(own.includes(ip('127.0.0.1'), 443)).toBe(true);
    expect(own.includes(ip('198.51.100.254'), 443)).toBe(false);
  });

  it.each([
    { bound: '0.0.0.0', isOwn: false },
    { bound: '192.0.2.10', isOwn: true },
  ])('bound to $bound, counts an address that the machine has lost: $isOwn', ({ bound, isOwn }) => {
    let nowMs = 0;
    let addresses = ['192.0.2.10'];
    const changing = new MachineAddresses({ nowMs: () => nowMs, read: () => addresses });
    const own = ownAddresses([{ host: bound, port: 443 }], { machine: changing });
    expect(own.includes(ip('192.0.2.10'), 443)).toBe(true);
    addresses = [];
    nowMs += LONGEST_PAUSE_MS;
    expect(own.includes(ip('192.0.2.10'), 443)).toBe(isOwn);
    addresses = ['192.0.2.10'];
    nowMs += LONGEST_PAUSE_MS;
    expect(own.includes(ip('192.0.2.10'), 443)).toBe(true);
  });

  it('counts a bound address that no interface has ever had: a route may lead it to us', () => {
    const own = ownAddresses([{ host: '198.51.100.1', port: 443 }], { machine });
    expect(own.includes(ip('198.51.100.1'), 443)).toBe(true);
  });
});
