/** What a reload can't change. Everything else takes effect for new connections, all at once. */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '@sallyport/config';

/** Says which part of `next` would need a restart, or undefined if none does. */
export function findUnchangeable(current: Config, next: Config): string | undefined {
  if (!isDeepStrictEqual(listenerSet(current), listenerSet(next))) {
    return 'the set of listeners, their modes, their binds, or their being tls, dual_stack, proxy_protocol or intercept changed, which needs a restart';
  }
  if (!isDeepStrictEqual(current.admin.bind, next.admin.bind)) return 'admin.bind changed, which needs a restart';
  if (current.log.file !== next.log.file) return 'log.file changed, which needs a restart';
  if (current.log.format !== next.log.format) return 'log.format changed, which needs a restart';
  if (!isDeepStrictEqual(current.runtime, next.runtime)) return 'runtime changed, which needs a restart';
  return undefined;
}

function listenerSet({ listeners }: Config): unknown {
  return listeners.map((listener) => {
    const { name, mode, bind, dual_stack: isDualStack } = listener;
    const intercept = mode === 'sni' ? listener.intercept : 'none';
    // Other files behind `tls` are read anew; whether the door speaks TLS at all stays as it was when it opened.
    const isIntroduced = listener.proxy_protocol !== undefined;
    const speaksTls = mode === 'connect' && listener.tls !== undefined;
    return { name, mode, bind, isDualStack, intercept, isIntroduced, speaksTls };
  });
}
