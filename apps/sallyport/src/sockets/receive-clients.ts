/** Receives the clients of a listener and gives them to its door. */
import { parseIp } from '@sallyport/addresses';
import type { ListenerConfig } from '@sallyport/config';
import { type Door, type DoorNow, type Ledger, serveTunnel } from '@sallyport/tunnel-server';
import type { Address, Introduction, TlsIdentity } from '@sallyport/tunnel-splice';
import type { Receiver } from './open-listeners.ts';

/** Each is called for its present value: a reload replaces it. */
export interface ReceiverTools {
  readonly doorNow: DoorNow;
  readonly tlsNow: () => TlsIdentity | undefined;
  readonly ledger: Ledger;
}

/** The receiver of one listener. What a reload changes is asked for at each client. */
export function receiveClients(listener: ListenerConfig, { doorNow, tlsNow, ledger }: ReceiverTools): Receiver {
  const speaksTls = listener.mode === 'connect' && listener.tls !== undefined;
  return {
    onClient: (client) => serveTunnel(client, doorNow, ledger),
    reception: {
      onTurnedAway: (client) => noteTurnedAway(client, doorNow(), ledger),
      ...(listener.proxy_protocol && { introduce: (wire, peer) => introduce(doorNow(), wire, peer) }),
      // A renewed certificate is shown from the next client on.
      ...(speaksTls && { identity: (client) => (mayShakeHands(client, doorNow()) ? tlsNow() : undefined) }),
    },
  };
}

function noteTurnedAway(client: Address, door: Door | undefined, ledger: Ledger): void {
  if (door !== undefined) ledger.turnedAway(door, client);
}

function introduce(
  door: Door | undefined,
  ...[wire, peer]: Parameters<NonNullable<Door['introduce']>>
): Introduction | Promise<Introduction> {
  // The door of this moment may ask for no header, or be gone.
  return door?.introduce?.(wire, peer) ?? {};
}

/** A handshake takes a millisecond of the deciding thread: a client that the limits refuse anyway gets none. */
function mayShakeHands({ host }: Address, door: Door | undefined): boolean {
  const ip = parseIp(host);
  // A client without an address has left already.
  return ip === undefined || door === undefined || door.wouldAdmit(ip);
}
