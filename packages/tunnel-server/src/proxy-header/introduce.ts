/** The first step for a client behind a balancer: reads its real address. */
import { type NetworkSet, parseIp } from '@sallyport/addresses';
import type { Address, Leg } from '@sallyport/tunnel-splice';
import type { PrereadLimits } from '../frontend.ts';
import { type Preread, prereadUntil } from '../preread.ts';
import { TunnelError } from '../reasons.ts';
import type { Introduced } from './arrival.ts';
import { type ProxyHeader, readProxyHeader } from './read.ts';

const NO_BYTES = new Uint8Array(0);

type Wire = Pick<Leg, 'read' | 'putBack'>;

/**
 * Reads the PROXY header that a listed peer must send, and no byte more; returns at once where that has arrived. A fault is returned as
 * the error to refuse it with. A peer that closes without a byte, as health checks do, is reported as at any other door.
 */
export function introduceClient(
  wire: Wire,
  peer: Address,
  senders: NetworkSet,
  limits: PrereadLimits,
): Introduced | Promise<Introduced> {
  const ip = parseIp(peer.host);
  if (!ip || !senders.contains(ip))
    return refused(`${peer.host} is not one of the peers that may send a PROXY header.`);
  const preread = prereadUntil(wire, limits, NO_BYTES, readProxyHeader);
  return preread instanceof Promise
    ? preread.then((known) => introductionBy(known, wire, limits))
    : introductionBy(preread, wire, limits);
}

function introductionBy({ found, bytes }: Preread<ProxyHeader>, wire: Wire, limits: PrereadLimits): Introduced {
  switch (found.kind) {
    case 'client':
      wire.putBack(bytes.subarray(found.headerBytes));
      return { remote: found.remote, local: found.local };
    case 'unnamed':
      wire.putBack(bytes.subarray(found.headerBytes));
      return {};
    case 'malformed':
      return refused(`The PROXY header is malformed: ${found.why}.`);
    case 'too-large':
      return refused(`The PROXY header is larger than ${limits.prereadLimitBytes} bytes.`);
    case 'timed-out':
      return refused('The PROXY header was not complete in time.');
    case 'left':
      return bytes.length === 0 ? {} : refused('The peer left in the middle of its PROXY header.');
  }
}

/**
 * How many bytes a peer that has left has sent, its PROXY header not counted. The checks of some balancers send their header and then an
 * RST.
 */
export async function countBehindHeader(wire: Wire, limits: PrereadLimits): Promise<number> {
  const { found, bytes } = await prereadUntil(wire, limits, NO_BYTES, readProxyHeader);
  return bytes.length - ('headerBytes' in found ? found.headerBytes : 0);
}

function refused(sentence: string): Introduced {
  return { refusal: new TunnelError('proxy_protocol', sentence) };
}
