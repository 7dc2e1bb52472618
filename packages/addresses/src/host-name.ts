/** Checks that a text has the form of a host name and cannot be read as an address. */
import { endsInNumber } from './legacy-ipv4.ts';

/** Without the root's dot (RFC 1035 §2.3.4). */
export const MAX_NAME_LENGTH = 253;

/**
 * True for a name without its trailing dot, in either case: labels of 1 to 63 letters, digits, hyphens and underscores (RFC 1123 §2.1).
 * Underscores, and hyphens at either end of a label, occur in names that are used and that DNS resolves (RFC 2181 §11). A text that a
 * resolver would take for an address is not a host name.
 */
export function isHostName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && NAME.test(name) && !endsInNumber(name);
}

// Tested as written: lower-casing can turn other characters, such as the Kelvin sign, into ASCII letters.
const NAME = /^(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}$/;
