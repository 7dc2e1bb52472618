/** Chooses the transport that moves the bytes. */
import { availableParallelism } from 'node:os';
import { bindText, type ListenerConfig, type RuntimeConfig, whyNotPortable } from '@sallyport/config';
import type { Logger } from '@sallyport/telemetry';
import {
  createNativeTransport,
  createPortableTransport,
  mayDialFromForeign,
  nativeBinary,
  type Transport,
} from '@sallyport/tunnel-splice';
import { RAISE_THE_LIMIT } from './descriptors.ts';
import { EXIT, FatalError } from './exit.ts';

const SHORTAGE_REMEDY = `${RAISE_THE_LIMIT}, or lower limits.tunnels`;

/** Starts the transport. `auto` logs once why it is not the native one; `native` throws a FatalError instead. */
export function startEngine({ engine, threads }: RuntimeConfig, log: Logger): Transport {
  const onShortage = (code: string): void => log.error({ code, remedy: SHORTAGE_REMEDY }, 'clients are turned away');
  if (engine === 'portable') return createPortableTransport({ onShortage });
  const native = createNativeTransport({
    threads: threads === 'auto' ? availableParallelism() : threads,
    onShortage,
  });
  if (native.kind === 'available') return native.transport;
  if (engine === 'native') {
    const remedy = 'build it (npm start says what is missing), or set runtime.engine to auto or portable';
    throw new FatalError(`the native engine is not available: ${native.reason}; ${remedy}`, EXIT.failure);
  }
  log.info({ reason: native.reason }, 'the native engine is not available; the portable one serves instead');
  return createPortableTransport({ onShortage });
}

/** The build of the transport's addon, for `engine_binary_info`: `built` here, the platform of the package's addon, or `none`. */
export function binaryOf({ name }: Transport): string {
  const found = name === 'native' ? nativeBinary() : undefined;
  return found?.kind === 'loaded' ? found.binary : 'none';
}

/**
 * Throws a FatalError where a listener intercepts as only the native engine can, and the portable one runs; or where it needs a right that
 * this process does not have.
 */
export function requireEngine(listener: ListenerConfig, { name }: Transport): void {
  if (listener.mode !== 'sni') return;
  const { intercept, source, bind } = listener;
  const [obstacle] = name === 'native' ? [] : whyNotPortable({ intercept, source, bind: bind.map(bindText) });
  if (obstacle) throw new FatalError(`listener ${listener.name}: ${obstacle[1]}`, EXIT.failure);
  // A socket of systemd needs no right. Without this check each tunnel would end as `unreachable`.
  if (source === 'client' && !mayDialFromForeign())
    throw new FatalError(`listener ${listener.name}: ${NO_RIGHT}`, EXIT.failure);
}

const NO_RIGHT =
  'source: client needs CAP_NET_ADMIN for every dial; grant it (configs/systemd/tproxy.conf), or set source to proxy';
