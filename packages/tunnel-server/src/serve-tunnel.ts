/** The life of one tunnel, shared by both doors. Read this first: every step of the flow is one line here and one file of its own. */
import type { Leg } from '@sallyport/tunnel-splice';
import type { Ledger } from './account/ledger.ts';
import type { Door } from './door.ts';
import { type Destination, destinationText } from './destination.ts';
import type { Decision } from './policy/decide.ts';
import { TunnelError } from './reasons.ts';

/**
 * Serves one client from accept to the last byte; never rejects. Owns `client` until the splice takes it over.
 * The order of the checks is CONTRACT's: limits, form, method, policy, addresses.
 */
export async function serveTunnel(client: Leg, door: Door, ledger: Ledger): Promise<void> {
  const record = ledger.open(client, door);
  const frontend = door.openFrontend(client);
  try {
    record.enter('admit');
    record.admitted(door.admit(record.clientIp));

    record.enter('identify');
    const { destination, clientBytes } = record.identified(await frontend.identify(door.prereadLimits()));

    record.enter('policy');
    requireAllowed(record.decided(door.decide(record.clientIp, destination)), destination);

    record.enter('resolve');
    const resolved = await door.resolve(destination, client);
    const addresses = door.permit(resolved, destination);

    record.enter('dial');
    const upstream = await door.dial(addresses, client);

    record.enter('relay');
    frontend.establish();
    record.ended(await record.relaying(upstream, door.splice(client, upstream, clientBytes)).done);
  } catch (cause) {
    const error = toTunnelError(cause);
    record.failed(error, frontend.refuse(error, record.id));
  }
}

function requireAllowed({ decision, rule }: Decision, destination: Destination): void {
  if (decision !== 'deny') return;
  const decider = rule === 'default' ? 'No rule allows' : `The rule ${rule} denies`;
  throw new TunnelError('policy', `${decider} ${destinationText(destination)}.`);
}

/** Whatever is no TunnelError is a fault of ours: the client gets a 500, the operator the stack (`internal`). */
function toTunnelError(cause: unknown): TunnelError {
  if (cause instanceof TunnelError) return cause;
  return new TunnelError('internal', 'Sallyport made a mistake; its log has the details.', { cause });
}
