/** An IP address as a value: read once, compared as numbers ever after. */
export interface Ip {
  readonly family: 4 | 6;
  /** The canonical spelling: dotted decimal, or RFC 5952. */
  readonly text: string;
  /** Unsigned 32-bit words, the most significant first: one for IPv4, four for IPv6. */
  readonly words: readonly number[];
}
