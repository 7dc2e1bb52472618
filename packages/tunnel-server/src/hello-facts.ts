/** What a ClientHello says of itself; logged and counted, never decided upon but by `ech`. */
export interface HelloFacts {
  readonly sni?: string;
  readonly alpn: readonly string[];
  /** The highest version offered, as spelled in log and label: `SSLv2`, `SSLv3`, `TLSv1.0` to `TLSv1.3`. */
  readonly tls: string;
  readonly ech: boolean;
}
