import { describe, expect, it } from 'vitest';
import { findUnmetInterception, whyNotPortable } from '../src/interception-checks.ts';
import { formatPath } from '../src/problems.ts';

const told = (listener: object, runtime?: object): string[] =>
  findUnmetInterception({ listeners: [{ mode: 'sni', bind: '0.0.0.0:443', ...listener }], runtime }).map(
    ({ path, message }) => `${formatPath(path)}: ${message}`,
  );

describe('keys that need an intercepting door', () => {
  it.each([{ dial: 'original' }, { verify_sni: 'report' }, { verify_sni: 'enforce' }, { without_sni: 'original' }])(
    'tells %j without intercept',
    (keys) => {
      const [key = ''] = Object.keys(keys);
      expect(told(keys)).toEqual([expect.stringMatching(`^listeners\\[0\\]\\.${key}: .* needs intercept`)]);
      expect(told({ ...keys, intercept: 'none' })).toHaveLength(1);
      expect(told({ ...keys, intercept: 'redirect' })).toEqual([]);
      expect(told({ ...keys, intercept: 'tproxy' })).toEqual([]);
    },
  );

  it.each(['none', 'redirect'])('tells source: client with intercept: %s', (intercept) => {
    expect(told({ source: 'client', intercept })).toEqual([expect.stringContaining('needs intercept: tproxy')]);
    expect(told({ source: 'client', intercept: 'tproxy' })).toEqual([]);
  });

  it('leaves the explicit door alone, whose verify_sni needs none', () => {
    expect(findUnmetInterception({ listeners: [{ mode: 'connect', verify_sni: 'enforce' }] })).toEqual([]);
  });

  it.each([
    undefined,
    {},
    { listeners: 7 },
    { listeners: [null] },
    { listeners: [{ mode: 'sni', dial: [] }], runtime: 1 },
  ])('finds nothing in %j, which others complain of', (file) => {
    expect(findUnmetInterception(file)).toEqual([]);
  });
});

describe('the portable engine', () => {
  const portable = { engine: 'portable' };

  it('cannot redirect', () => {
    expect(told({ intercept: 'redirect' }, portable)).toEqual([
      'listeners[0].intercept: intercept: redirect needs the native engine; set runtime.engine to native, or use tproxy',
    ]);
    expect(told({ intercept: 'redirect' }, { engine: 'auto' })).toEqual([]);
  });

  it('intercepts by tproxy at sockets that are passed to it alone', () => {
    expect(told({ intercept: 'tproxy' }, portable)).toEqual([expect.stringContaining('Transparent=yes')]);
    expect(told({ intercept: 'tproxy', bind: ['systemd:a', '[::]:443'] }, portable)).toHaveLength(1);
    expect(told({ intercept: 'tproxy', bind: ['systemd:a'] }, portable)).toEqual([]);
  });

  it("cannot dial from a client's address", () => {
    expect(told({ intercept: 'tproxy', bind: 'systemd:a', source: 'client' }, portable)).toEqual([
      expect.stringContaining('source: client needs the native engine'),
    ]);
  });

  it('serves a door that does not intercept', () => {
    expect(whyNotPortable({ intercept: 'none', source: 'proxy', bind: ['0.0.0.0:443'] })).toEqual([]);
  });
});
