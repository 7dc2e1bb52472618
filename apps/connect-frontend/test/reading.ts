/** By what limits the tests of this door read, and what comes back to a client. */
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { PrereadLimits } from '@sallyport/tunnel-server';

export interface Bounds {
  readonly prereadLimitBytes?: number;
  readonly deadlineInMs?: number;
}

/** Limits that no test meets by accident. */
export function limits({ prereadLimitBytes = 16 * 1024, deadlineInMs = 10_000 }: Bounds = {}): PrereadLimits {
  return { prereadLimitBytes, deadline: performance.now() + deadlineInMs };
}

/** All that comes until the door ends the connection, a character a byte. */
export async function readReply(socket: Socket): Promise<string> {
  return (await buffer(socket)).toString('latin1');
}
