/** The words of the log: the fields of an access-log line, and how text that a stranger chose is made safe to show. */

/**
 * One tunnel or refusal, logged once when it ends with the message `tunnel`. What does not apply is left out; `undefined` is
 * allowed so that the line can be written as one literal, and is left out of the output too.
 */
export interface TunnelLine {
  /** Unique over restarts; the same in error replies, progress lines and the admin API. */
  readonly id: string;
  /** The door's name in the configuration. */
  readonly listener: string;
  readonly mode: 'connect' | 'sni';
  /** The client's IP address. */
  readonly client: string;
  /** The client's TCP port, to find the connection in a packet capture or behind a NAT. */
  readonly client_port?: number | undefined;
  /** Who the client proved to be, never with what; of a wrong password, whose it was to be, where there is such a user. */
  readonly user?: string | undefined;
  /** The destination asked for: a canonical name or an IP literal. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** The server_name of the ClientHello (RFC 6066 §3). */
  readonly sni?: string | undefined;
  /** The protocols offered by ALPN (RFC 7301), in the client's order. */
  readonly alpn?: readonly string[] | undefined;
  /** How many more protocols were offered: `alpn` has the first 16 at most, and 255 bytes. */
  readonly alpn_more?: number | undefined;
  /** The highest TLS version offered, spelled `TLSv1.3`. */
  readonly tls?: string | undefined;
  /** Whether the hello had an encrypted_client_hello extension; GREASE looks the same. */
  readonly ech?: boolean | undefined;
  /** Where an intercepted connection was going, as `ip:port`. */
  readonly original?: string | undefined;
  /** The name of the rule that decided; `default` when none matched. */
  readonly rule?: string | undefined;
  /** `report`: a denial that `report_only` lifted. */
  readonly decision?: 'allow' | 'deny' | 'report' | undefined;
  /** The first rule under `report_only` that would have denied; `default` for the default. */
  readonly would_deny?: string | undefined;
  /** The way out that was taken. */
  readonly egress?: string | undefined;
  /** The address that was dialled, as `ip:port`. */
  readonly upstream?: string | undefined;
  /** Bytes relayed from client to upstream: the ClientHello and early bytes included, the CONNECT head and PROXY headers not. */
  readonly bytes_up?: number | undefined;
  /** Bytes relayed from upstream to client; our own replies not included. */
  readonly bytes_down?: number | undefined;
  /** Milliseconds spent on the look-up. */
  readonly resolve_ms?: number | undefined;
  /** Milliseconds spent on dialling, all attempts together. */
  readonly connect_ms?: number | undefined;
  /** Milliseconds from the tunnel being up to the upstream's first byte. */
  readonly first_byte_ms?: number | undefined;
  /** Milliseconds from accept to the end. */
  readonly duration_ms?: number | undefined;
  /** The HTTP status sent, where one was. */
  readonly status?: number | undefined;
  /** `ok` is also said of a connection that closed without a word (`probe`). `refused`: we said no. `failed`: the destination, the resolver or a parent did, or the client left before its tunnel was up. */
  readonly outcome: Outcome;
  /** Why it ended: the same word as the metrics' label. */
  readonly reason: string;
  /** The step it ended in, where its tunnel never came up. */
  readonly stage?: string | undefined;
  /** One sentence on the cause, where its tunnel never came up; else what `verify_sni: report` found, or how TLS with the client broke off. */
  readonly detail?: string | undefined;
}

/** How a tunnel ended, in one word for log and metrics. */
export type Outcome = 'ok' | 'refused' | 'failed';

/**
 * Spells every character that could drive a terminal, forge a line or turn text round as `\uXXXX`: C0, DEL and C1, the line
 * separators U+2028 and U+2029, the bidirectional controls (Unicode TR36 §3.1), zero-width characters and the byte order mark.
 *
 * Within a JSON string the result is a valid escape of the very same character, so a whole JSON line may be passed through.
 */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
