/** What a ClientHello says of itself; logged and counted, never decided upon but by `ech`. */
export interface HelloFacts {
  /** The name, canonical; undefined where the hello names no host. */
  readonly sni: string | undefined;
  readonly alpn: readonly string[];
  /** The highest version offered, as spelled in log and label: `SSLv2`, `SSLv3`, `TLSv1.0` to `TLSv1.3`. */
  readonly tls: string;
  readonly ech: boolean;
}
