import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/load.ts';

/** The first listener with `lines` added, or what is wrong with it. */
function listenerWith(lines: string, mode = 'connect'): unknown {
  const result = parseConfig(`listeners:\n  - { name: a, mode: ${mode}, bind: "127.0.0.1:3128", ${lines} }\n`, {});
  if (result.kind === 'ok') return result.config.listeners[0];
  return result.problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('auth', () => {
  it('is left out unless it is given', () => {
    expect(listenerWith('port: 443')).not.toHaveProperty('auth');
  });

  it('has a realm of its own or the default', () => {
    expect(listenerWith('auth: { users_file: users }')).toMatchObject({
      auth: { users_file: 'users', realm: 'sallyport' },
    });
    expect(listenerWith('auth: { users_file: users, realm: \'the "way" out\' }')).toMatchObject({
      auth: { realm: 'the "way" out' },
    });
  });

  it.each([
    { lines: 'auth: {}', problem: /^listeners\.0\.auth\.users_file: missing; give the path of a file/ },
    { lines: 'auth: { users_file: "" }', problem: /^listeners\.0\.auth\.users_file: an empty path/ },
    { lines: 'auth: { users_file: u, realm: "" }', problem: /^listeners\.0\.auth\.realm: expected a realm/ },
    { lines: 'auth: { users_file: u, realm: "a\\nb" }', problem: /^listeners\.0\.auth\.realm: expected a realm/ },
    { lines: 'auth: { users_file: u, relam: x }', problem: /unknown key "relam"; did you mean "realm"/ },
  ])('is refused as $lines', ({ lines, problem }) => {
    expect(listenerWith(lines)).toEqual([expect.stringMatching(problem)]);
  });
});

describe('tls', () => {
  it('is a certificate and a key, and perhaps the authority of clients', () => {
    expect(listenerWith('tls: { cert: a.crt, key: a.key }')).toMatchObject({ tls: { cert: 'a.crt', key: 'a.key' } });
    expect(listenerWith('tls: { cert: a, key: b, client_ca: c }')).toMatchObject({ tls: { client_ca: 'c' } });
  });

  it.each([
    { lines: 'tls: { cert: a }', problem: /^listeners\.0\.tls\.key: missing/ },
    { lines: 'tls: true', problem: /^listeners\.0\.tls: expected a map of keys/ },
  ])('is refused as $lines', ({ lines, problem }) => {
    expect(listenerWith(lines)).toEqual([expect.stringMatching(problem)]);
  });
});

it.each(['auth: { users_file: u }', 'tls: { cert: a, key: b }'])('the transparent door has no %s', (lines) => {
  expect(listenerWith(lines, 'sni')).toEqual([expect.stringMatching(/unknown key/)]);
});
