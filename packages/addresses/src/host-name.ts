/** Checks that a text has the form of a host name and cannot be read as an address. */
import { endsInNumber } from './legacy-ipv4.ts';

/** Without the root's dot (RFC 1035 §2.3.4). */
export const MAX_NAME_LENGTH = 253;

/**
 * True for a name without its trailing dot, in either case: labels of 1 to 63 letters, digits, hyphens and underscores (RFC 1123 §2.1).
 * Underscores, and hyphens at either end of a label, stand in names that people use and DNS resolves (RFC 2181 §11). Whatever a
 * resolver would take for an address is none.
 */
export function isHostName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && NAME.test(name) && !endsInNumber(name);
}

// Tested as written: the Kelvin sign, for one, is no ASCII letter until it is lower-cased.
const NAME = /^(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}$/;
