/** What is said of a client that leaves before anybody knows where it wants to go. */
import { TunnelError } from './reasons.ts';

/**
 * The end of a client that left while it was read from. One that said nothing at all was no client: a balancer or a monitor asked
 * whether the door is open (`probe`). All others are `client_closed`.
 * @param before what was not to be had of it: a clause such as `its ClientHello was complete`
 */
export function departed(saidBytes: number, before: string): TunnelError {
  if (saidBytes === 0) return new TunnelError('probe', 'The connection was closed without a word.');
  return new TunnelError('client_closed', `The client left before ${before}.`);
}
