/** A client whose peer first says which client it speaks for. That is read from the TCP socket, for TLS may begin behind it. */
import type { Socket } from 'node:net';
import type { DeadlineMs, Introduction, Leg, ListenOptions, ReadResult } from '../transport.ts';
import { acceptedLeg, securedLeg, securityFor } from './accepted-leg.ts';
import { addressOf } from './addresses.ts';
import type { Deadlines } from './deadlines.ts';
import { PortableLeg, type LegResources, UNKNOWN } from './leg.ts';
import type { TcpHandle } from './node-handle.ts';
import { acceptedSocket } from './node-socket.ts';

type Introducing = ListenOptions & Required<Pick<ListenOptions, 'introduce'>>;

/** Resolves once the introduction is read. A peer that sent an RST while it was queued has no address any more. */
export async function introducedLeg(
  handle: TcpHandle,
  resources: LegResources,
  options: Introducing,
): Promise<PortableLeg> {
  return options.identity === undefined
    ? introduceLeg(handle, resources, options)
    : introduceWire(acceptedSocket({ handle }), resources, { ...options, identity: options.identity });
}

async function introduceLeg(
  handle: TcpHandle,
  resources: LegResources,
  { introduce }: Introducing,
): Promise<PortableLeg> {
  const leg = acceptedLeg({ handle }, resources);
  return named(leg, await introduce(leg, leg.nameEnds() ? leg.remote : undefined));
}

async function introduceWire(
  wire: Socket,
  resources: LegResources,
  { introduce, identity }: Introducing & Required<Pick<ListenOptions, 'identity'>>,
): Promise<PortableLeg> {
  const bornAt = performance.now();
  // The listener stays as long as the socket: an `error` event without a listener ends the process.
  wire.on('error', () => undefined);
  const peer = addressOf(wire.remoteAddress, wire.remotePort);
  const introduction = await introduce(new WireReader(wire, resources.deadlines), peer);
  const security = introduction.isRefused ? 'withheld' : securityFor(identity, introduction.remote ?? peer ?? UNKNOWN);
  const isWithheld = security === 'withheld';
  const leg = isWithheld ? new PortableLeg(resources, () => wire, security) : securedLeg(wire, security, resources);
  leg.bornAt = bornAt;
  if (!leg.nameEnds() && peer !== undefined) leg.remote = peer;
  if (wire.readableEnded) leg.noteDeparture('end');
  else if (wire.destroyed) leg.noteDeparture('reset');
  return named(leg, introduction);
}

function named(leg: PortableLeg, introduction: Introduction): PortableLeg {
  const { remote, local } = introduction;
  if (remote !== undefined) leg.remote = remote;
  if (local !== undefined) leg.local = local;
  leg.introduction = introduction;
  return leg;
}

/** The two calls of a leg that an introduction needs. */
class WireReader implements Pick<Leg, 'read' | 'putBack'> {
  readonly #wire: Socket;
  readonly #deadlines: Deadlines;

  constructor(wire: Socket, deadlines: Deadlines) {
    this.#wire = wire;
    this.#deadlines = deadlines;
  }

  read(limitBytes: number, deadline: DeadlineMs): Promise<ReadResult> {
    return new Promise((resolve) => {
      const wire = this.#wire;
      const settle = (result: ReadResult): void => {
        this.#deadlines.cancel(alarm);
        wire.off('readable', look).off('end', look).off('close', look);
        resolve(result);
      };
      const look = (): void => {
        const chunk: unknown = wire.read();
        if (!(chunk instanceof Uint8Array)) {
          if (wire.readableEnded || wire.destroyed) settle('end');
          return;
        }
        if (chunk.length > limitBytes) wire.unshift(chunk.subarray(limitBytes));
        settle(chunk.subarray(0, limitBytes));
      };
      const alarm = this.#deadlines.at(deadline, () => settle('deadline'));
      wire.on('readable', look).on('close', look).on('end', look);
      look();
    });
  }

  putBack(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#wire.unshift(bytes);
  }
}
