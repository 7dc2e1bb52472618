/** The facts of a ClientHello. They are logged and counted; only `ech` takes part in a decision. */
export interface HelloFacts {
  /** The canonical name; undefined where the hello names no host. */
  readonly sni: string | undefined;
  /** The canonical IP address that some clients send in place of a name. It does not count as a name. */
  readonly literal: string | undefined;
  /** The first protocols offered: at most 16 names and 255 bytes, so that a client cannot make us keep more. */
  readonly alpn: readonly string[];
  /** How many more protocols were offered. */
  readonly alpnDropped: number;
  /** The highest version offered, as spelled in log and label: `SSLv2`, `SSLv3`, `TLSv1.0` to `TLSv1.3`. */
  readonly tls: string;
  readonly ech: boolean;
  /** 48 bits of its random, which identify it when it comes back; 0 where those are not random. */
  readonly random: number;
}
