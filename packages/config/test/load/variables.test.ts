import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/load.ts';
import { minimal, problemsOf, problemsWithoutPlaces } from './stage.ts';

describe('values from the environment', () => {
  it('may be numbers, switches, sizes and words', () => {
    const text = `
listeners: [{ name: "\${A}", mode: sni, bind: "\${BIND}", port: "\${N}", limits: { handshake_bytes: "\${N}0" } }]
policy: { report_only: "\${FLAG}", rules: [{ name: "\${N}", action: deny, ports: ["\${N}"] }] }
limits: { tunnels: "\${N}" }
log: { level: "\${LEVEL}", access: "\${FLAG}", file: "\${FILE:-}" }
`;
    const loaded = parseConfig(text, { A: 'a', BIND: '[::1]:0', N: '443', FLAG: 'true', LEVEL: 'warn' });
    expect(loaded).toMatchObject({
      kind: 'ok',
      config: {
        listeners: [{ name: 'a', bind: [{ host: '::1', port: 0 }], port: 443, limits: { handshake_bytes: 4430 } }],
        policy: { report_only: true, rules: [{ name: '443', ports: [{ from: 443, to: 443 }] }] },
        limits: { tunnels: 443 },
        log: { level: 'warn', access: true, file: null },
      },
    });
  });
});

describe('problems of values from the environment', () => {
  it('are told of a value from the environment where it is used', () => {
    const text = `${minimal}limits: { tunnels: "\${TUNNELS:-many}" }`;
    expect(problemsOf(text)).toEqual([
      'F:5:20: limits.tunnels: expected a whole number from 1 to 2147483647, got "${TUNNELS:-many}"; what its variables stand for is not shown',
    ]);
  });

  it('blame no placeholder for a message that a variable leaves empty', () => {
    expect(problemsOf(`${minimal}policy: { message: "\${NOTICE:-}" }`)).toEqual([
      'F:5:20: policy.message: expected a sentence of 1 to 300 characters, got 0; what its variables stand for is not shown',
    ]);
  });

  it.each([
    ['egress: [{ name: c, type: http, address: "p:1", username: u, password: "${EMPTY}" }]', 'egress[0].password'],
    ['egress: [{ name: c, type: http, address: "p:1", username: "${EMPTY}", password: p }]', 'egress[0].username'],
    [
      'log: { otlp: { endpoint: "http://c:4318", headers: { authorization: "Bearer ${EMPTY}" } } }',
      'log.otlp.headers.authorization',
    ],
    ['limits: { store: { redis: "redis://:${EMPTY}@redis:6379" } }', 'limits.store.redis'],
  ])('name the variable that leaves a secret empty: %s', (text, path) => {
    const file = `listeners: [{ name: a, mode: connect, bind: "127.0.0.1:1" }]\n${text}\n`;
    const env = { EMPTY: '' };
    expect(problemsWithoutPlaces(file, env)).toEqual([
      `${path}: the environment variable EMPTY is empty; set it, or write \${EMPTY:-} if nothing is meant`,
    ]);
    expect(problemsOf(file.replace('${EMPTY}', '${EMPTY:-}'), env)).toEqual([]);
    expect(problemsOf(file, { EMPTY: 'full' })).toEqual([]);
  });
});
