import { describe, expect, it } from 'vitest';
import { fillMessage } from '../src/messages.ts';

const values = { host: 'a.test', port: '443', rule: 'no-ads', id: '7f3a', client: '10.0.0.7' };

describe('fillMessage', () => {
  it.each([
    ['Ask in #egress.', 'Ask in #egress.'],
    ['{host}:{port} for {client}: {rule}, {id}', 'a.test:443 for 10.0.0.7: no-ads, 7f3a'],
    ['{host}{host}', 'a.testa.test'],
    ['$& {host} $1', '$& a.test $1'],
    ['costs ${host}', 'costs ${host}'],
    ['{ } {constructor} {', '{ } {constructor} {'],
  ])('fills %j', (message, filled) => {
    expect(fillMessage(message, values)).toBe(filled);
  });
});
