/** The errors for a request head that cannot be read. */
import { TunnelError } from '../reasons.ts';

/** @param why a clause, with nothing in it that the client sent */
export function malformedRequest(why: string): TunnelError {
  return new TunnelError('malformed', `The request is malformed: ${why}.`);
}

/** @param limitBytes `limits.handshake_bytes` */
export function oversizedHead(limitBytes: number): TunnelError {
  return new TunnelError('too_large', `The request head is larger than ${limitBytes} bytes.`);
}
