/** The error for a client that leaves before its destination is known. */
import { TunnelError } from './reasons.ts';

/**
 * Why the connection ended. A client that sent nothing was a balancer or a monitor that checks whether the door is open (`probe`). All
 * others are `client_closed`.
 * @param before what the client did not wait for: a clause such as `its ClientHello was complete`
 */
export function departed(saidBytes: number, before: string): TunnelError {
  if (saidBytes === 0) return new TunnelError('probe', 'The connection was closed before a byte was sent.');
  return new TunnelError('client_closed', `The client left before ${before}.`);
}
