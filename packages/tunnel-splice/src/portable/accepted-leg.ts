/** Legs of accepted connections: from a listener of this transport, or from another transport that hands its connection over. */
import type { Socket } from 'node:net';
import type { Address, DeadlineMs, Introduction, ListenOptions } from '../transport.ts';
import type { TlsIdentity } from '../tls-identity.ts';
import { PortableLeg, type LegResources } from './leg.ts';
import { acceptedSocket, type SocketSource } from './node-socket.ts';
import { SecuredWire } from './secured-wire.ts';

/** A connection that another transport hands over. */
export interface HandedOver {
  readonly fd: number;
  readonly remote: Address;
  readonly local: Address;
  readonly bornAt: DeadlineMs;
  readonly original?: Address | undefined;
  readonly introduction?: Introduction | undefined;
  /** Read from the descriptor, but not yet by the leg's holder. */
  readonly unread: Uint8Array;
  /** An RST was read from the descriptor, which no longer reports it. */
  readonly isReset: boolean;
}

/** The TLS of a connection; a plain connection has none. `withheld`: the listener uses TLS, but starts no handshake with this client. */
export type Security = TlsIdentity | 'withheld';

/** What a listener decides for a new client. */
export function securityFor(identity: NonNullable<ListenOptions['identity']>, client: Address): Security {
  return identity(client) ?? 'withheld';
}

/** A leg whose addresses are not yet known. With `security` it uses TLS, or has its TLS withheld. */
export function acceptedLeg(source: SocketSource, resources: LegResources, security?: Security): PortableLeg {
  if (security === undefined) return new PortableLeg(resources, (onread) => acceptedSocket(source, onread));
  if (security === 'withheld')
    return new PortableLeg(resources, (onread) => acceptedSocket(source, onread), 'withheld');
  return securedLeg(acceptedSocket(source), security, resources);
}

/** A leg that continues a connection of another transport. It owns `from.fd`. */
export function handedOverLeg(from: HandedOver, resources: LegResources, security?: Security): PortableLeg {
  const isSecured = security !== undefined && security !== 'withheld';
  const leg = isSecured ? goOnWithTls(from, security, resources) : goOn(from, resources, security);
  leg.remote = from.remote;
  leg.local = from.local;
  leg.bornAt = from.bornAt;
  if (from.original !== undefined) leg.original = from.original;
  if (from.introduction !== undefined) leg.introduction = from.introduction;
  // The kernel will report a plain end.
  if (from.isReset) leg.noteDeparture('reset');
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

/** TLS over a connection that was read from before. Unread bytes are read first. */
export function securedLeg(wire: Socket, identity: TlsIdentity, resources: LegResources): PortableLeg {
  const secured = new SecuredWire(wire, identity);
  return new PortableLeg(resources, (onread, onReplaced) => secured.open(onread, onReplaced), secured);
}
