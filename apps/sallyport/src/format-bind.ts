/** Where a server listens, as people write it. */
import { authorityText } from '@sallyport/addresses';
import type { UnixSocket } from '@sallyport/config';
import type { Address } from '@sallyport/tunnel-splice';

/** An address, or `unix:PATH`. */
export function formatBind(bind: Address | UnixSocket): string {
  return 'path' in bind ? `unix:${bind.path}` : authorityText(bind);
}
