import { expect, it } from 'vitest';
import { departed } from '../src/departed.ts';

it.each([
  { saidBytes: 0, reason: 'probe', message: 'The connection was closed before a byte was sent.' },
  { saidBytes: 1, reason: 'client_closed', message: 'The client left before its head was complete.' },
])('calls a client that left after $saidBytes bytes $reason', ({ saidBytes, reason, message }) => {
  expect(departed(saidBytes, 'its head was complete')).toMatchObject({ reason, message });
});
