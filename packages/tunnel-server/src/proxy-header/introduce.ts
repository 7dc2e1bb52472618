/** The first step for a client behind a balancer: reads its real address. */
import { type NetworkSet, parseIp } from '@sallyport/addresses';
import type { Address, Leg } from '@sallyport/tunnel-splice';
import { departed } from '../departed.ts';
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
 * @param peer undefined where it has left already, and nobody knows its address
 */
export function introduceClient(
  wire: Wire,
  peer: Address | undefined,
  senders: NetworkSet,
  limits: PrereadLimits,
): Introduced | Promise<Introduced> {
  if (peer === undefined) return departedUnknown(wire, limits);
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

/** No PROXY header counts as sent: the checks of some balancers send theirs and then an RST. */
async function departedUnknown(wire: Wire, limits: PrereadLimits): Promise<Introduced> {
  const { found, bytes } = await prereadUntil(wire, limits, NO_BYTES, readProxyHeader);
  const saidBytes = bytes.length - ('headerBytes' in found ? found.headerBytes : 0);
  return { refusal: departed(saidBytes, 'its address was known') };
}

function refused(sentence: string): Introduced {
  return { refusal: new TunnelError('proxy_protocol', sentence) };
}
