/** Legs of connections that have been accepted: by a listener of this transport, or by another one that hands its own over. */
import type { Socket } from 'node:net';
import type { Address, DeadlineMs } from '../transport.ts';
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

/** A leg that has no names yet; with `identity` it speaks TLS. */
export function acceptedLeg(source: SocketSource, resources: LegResources, identity?: TlsIdentity): PortableLeg {
  if (identity !== undefined) return securedLeg(acceptedSocket(source), identity, resources);
  return new PortableLeg(resources, (onread) => acceptedSocket(source, onread));
}

/** A leg that goes on where another transport has left off: the owner of `from.fd`. */
export function handedOverLeg(from: HandedOver, resources: LegResources, identity?: TlsIdentity): PortableLeg {
  const leg = identity === undefined ? goOn(from, resources) : goOnWithTls(from, identity, resources);
  leg.remote = from.remote;
  leg.local = from.local;
  leg.bornAt = from.bornAt;
  if (from.original !== undefined) leg.original = from.original;
  if (from.isReset) leg.noteReset();
  return leg;
}

function goOn(from: HandedOver, resources: LegResources): PortableLeg {
  const leg = acceptedLeg(from, resources);
  leg.putBack(from.unread);
  return leg;
}

function goOnWithTls(from: HandedOver, identity: TlsIdentity, resources: LegResources): PortableLeg {
  const wire = acceptedSocket(from);
  if (from.unread.length > 0) wire.unshift(from.unread);
  return securedLeg(wire, identity, resources);
}

function securedLeg(wire: Socket, identity: TlsIdentity, resources: LegResources): PortableLeg {
  const secured = new SecuredWire(wire, identity);
  return new PortableLeg(resources, (onread, onReplaced) => secured.open(onread, onReplaced), secured);
}
