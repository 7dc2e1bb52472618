/** Where a client wants to go. */
import type { Ip } from './addresses/ip.ts';

/**
 * A destination as policy sees it: a canonical name, or an IP literal. Never anything in between: a spelling of an address that is
 * no plain literal (`127.1`, `0x7f.1`) is refused before it becomes one of these.
 */
export type Destination =
  | { readonly kind: 'name'; readonly host: string; readonly port: number }
  | { readonly kind: 'address'; readonly host: string; readonly ip: Ip; readonly port: number };
