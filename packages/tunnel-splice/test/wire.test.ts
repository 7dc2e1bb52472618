import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LINGER_MS, READ_AHEAD_BYTES } from '../src/index.ts';
import {
  COMMAND,
  DIAL_OUTCOMES,
  EVENT,
  INDEX_BITS,
  INTERCEPTIONS,
  NEVER,
  THREAD_SHIFT,
  TUNNEL_ENDS,
  TUNNELS_PER_PAGE,
} from '../src/native/wire.ts';

const header = (name: string): string => readFileSync(new URL(`../native/src/${name}`, import.meta.url), 'utf8');

describe('the language between JavaScript and the data threads', () => {
  it('has the same commands on both sides', () => {
    const { listen, ...fromJavaScript } = members('Command');
    expect(fromJavaScript).toEqual(COMMAND);
    expect(listen, 'only the engine itself hands out sockets').toBeDefined();
  });

  it('has the same events on both sides', () => {
    expect(members('Event')).toEqual(EVENT);
  });

  it('has the same outcomes of a dial on both sides', () => {
    expect(Object.values(members('DialOutcome'))).toEqual([...DIAL_OUTCOMES.keys()]);
  });

  it('has the same ways of interception on both sides', () => {
    const names = Object.keys(members('class Interception')).map((name) => name.replace('transparent', 'tproxy'));
    expect(names).toEqual([...INTERCEPTIONS]);
  });

  it('has the same ends of a tunnel on both sides', () => {
    const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const names = Object.keys(members('TunnelEnd')).map((name) => snakeCase(name).replace('was_', ''));
    expect(names).toEqual(TUNNEL_ENDS);
  });

  it.each([
    ['wire.h', 'kNever', NEVER],
    ['wire.h', 'kThreadShift', THREAD_SHIFT],
    ['wire.h', 'kIndexBits', INDEX_BITS],
    ['counts.h', 'kTunnelsPerPage', TUNNELS_PER_PAGE],
    ['held.h', 'kReadAheadBytes', READ_AHEAD_BYTES],
    ['closing.h', 'kLingerMs', LINGER_MS],
  ])('agrees in %s on %s', (file, name, value) => {
    expect(constant(file, name)).toBe(value);
  });
});

/** The members of an enum of wire.h, without their prefix. */
function members(name: string): Record<string, number> {
  const body = new RegExp(`enum ${name} [^{]*{([^}]*)}`).exec(header('wire.h'))?.[1] ?? '';
  const entries = [...body.matchAll(/^ *k(\w)(\w*) = (\d+),/gm)];
  return Object.fromEntries(
    entries.map(([, first = '', rest = '', value]) => [first.toLowerCase() + rest, Number(value)]),
  );
}

/** A constant of a header: a product of numbers. */
function constant(file: string, name: string): number {
  const text = new RegExp(`\\b${name} = ([^;]+);`).exec(header(file))?.[1] ?? '';
  return text.split('*').reduce((product, factor) => product * Number(factor.replaceAll("'", '')), 1);
}
