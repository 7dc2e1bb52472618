/** Chooses the transport that moves the bytes. */
import { availableParallelism } from 'node:os';
import { bindText, type ListenerConfig, type RuntimeConfig, whyNotPortable } from '@sallyport/config';
import type { Logger } from '@sallyport/telemetry';
import { createNativeTransport, createPortableTransport, nativeBinary, type Transport } from '@sallyport/tunnel-splice';
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

/** Throws a FatalError where the portable engine runs, and a listener intercepts as only the native one can. */
export function requireEngine(listener: ListenerConfig, { name }: Transport): void {
  if (name === 'native' || listener.mode !== 'sni') return;
  const { intercept, source, bind } = listener;
  const [obstacle] = whyNotPortable({ intercept, source, bind: bind.map(bindText) });
  if (obstacle) throw new FatalError(`listener ${listener.name}: ${obstacle[1]}`, EXIT.failure);
}
