/** Legs of connections that have been accepted: by a listener of this transport, or by another one that hands its own over. */
import type { Socket } from 'node:net';
import type { Address, DeadlineMs, ListenOptions } from '../transport.ts';
import type { TlsIdentity } from '../tls-identity.ts';
import { PortableLeg, type LegResources } from './leg.ts';
import { acceptedSocket, type SocketSource } from './node-socket.ts';
import { SecuredWire } from './secured-wire.ts';

/** A connection as another transport leaves it. */
export interface HandedOver {
  readonly fd: number;
  readonly remote: Address;
  readonly local: Address;
  readonly bornAt: DeadlineMs;
  readonly original?: Address | undefined;
  /** Read from the descriptor, and not asked for. */
  readonly unread: Uint8Array;
  /** An RST has been read from the descriptor, which says nothing of it any more. */
  readonly isReset: boolean;
}

/** How a connection is spoken on: in the clear where it has none of it. `withheld`: TLS was due, and is not begun. */
export type Security = TlsIdentity | 'withheld';

/** What a listener says of a client that has just come. */
export function securityFor(identity: NonNullable<ListenOptions['identity']>, client: Address): Security {
  return identity(client) ?? 'withheld';
}

/** A leg that has no names yet; with `security` it speaks TLS, or not at all. */
export function acceptedLeg(source: SocketSource, resources: LegResources, security?: Security): PortableLeg {
  if (security === undefined) return new PortableLeg(resources, (onread) => acceptedSocket(source, onread));
  if (security === 'withheld')
    return new PortableLeg(resources, (onread) => acceptedSocket(source, onread), 'withheld');
  return securedLeg(acceptedSocket(source), security, resources);
}

/** A leg that goes on where another transport has left off: the owner of `from.fd`. */
export function handedOverLeg(from: HandedOver, resources: LegResources, security?: Security): PortableLeg {
  const isSecured = security !== undefined && security !== 'withheld';
  const leg = isSecured ? goOnWithTls(from, security, resources) : goOn(from, resources, security);
  leg.remote = from.remote;
  leg.local = from.local;
  leg.bornAt = from.bornAt;
  if (from.original !== undefined) leg.original = from.original;
  if (from.isReset) leg.noteReset();
  return leg;
}

function goOn(from: HandedOver, resources: LegResources, security: 'withheld' | undefined): PortableLeg {
  const leg = acceptedLeg(from, resources, security);
  leg.putBack(from.unread);
  return leg;
}

function goOnWithTls(from: HandedOver, identity: TlsIdentity, resources: LegResources): PortableLeg {
  const wire = acceptedSocket(from);
  if (from.unread.length > 0) wire.unshift(from.unread);
  return securedLeg(wire, identity, resources);
}

/** TLS over a wire that has been read from before: what it has left comes first. */
export function securedLeg(wire: Socket, identity: TlsIdentity, resources: LegResources): PortableLeg {
  const secured = new SecuredWire(wire, identity);
  return new PortableLeg(resources, (onread, onReplaced) => secured.open(onread, onReplaced), secured);
}
