/**
 * Every field that a log line can have: its form and its meaning. The types of the code, the JSON Schema of a line, the page LOG.md and
 * the writer of access lines are all made from this table.
 */

/** How a value is written in JSON. `ms` is a number of milliseconds to three places, `count` a whole number. */
export type Form = 'text' | 'count' | 'ms' | 'flag' | 'texts' | 'error';

/** One field. */
export interface Field {
  readonly form: Form;
  /** In Markdown, half a sentence. */
  readonly about: string;
  /** All values, where they are a closed set. */
  readonly words?: readonly string[];
}

const text = (about: string) => ({ form: 'text', about }) as const;
const count = (about: string) => ({ form: 'count', about }) as const;
const ms = (about: string) => ({ form: 'ms', about }) as const;
const flag = (about: string) => ({ form: 'flag', about }) as const;
const texts = (about: string) => ({ form: 'texts', about }) as const;
const error = (about: string) => ({ form: 'error', about }) as const;
const word = <const Words extends readonly string[]>(words: Words, about: string) =>
  ({ form: 'text', about, words }) as const;

/** The fields of every line. */
export const COMMON_FIELDS = {
  level: word(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], 'its severity'),
  time: text('when it was written, in UTC (ISO 8601)'),
  seq: count('the number of the line in this process, from 1: a gap means that a line was lost'),
  msg: text('what the line is about: `tunnel`, `open`, `progress`, or a message in words'),
} as const;

/** The fields of a line about a tunnel or a refusal, in this order. What does not apply is left out. */
export const TUNNEL_FIELDS = {
  id: text(
    'the id of the tunnel, unique over restarts too: the same in all its lines, in error replies and in the admin API',
  ),
  listener: text("the door's name in the configuration"),
  mode: word(['connect', 'sni'], 'what the door reads: a CONNECT, or the SNI of a ClientHello'),
  rule: text('the rule that decided; `default` where none matched'),
  decision: word(
    ['allow', 'deny', 'report'],
    'what was decided; `report`: denied by a rule, and let pass by `report_only`',
  ),
  would_deny: text('the first rule under `report_only` that would have denied; `default` for the default'),
  egress: text('the egress that was used'),
  client: text("the client's IP address"),
  client_port: count("the client's TCP port"),
  user: text('the authenticated user; after a wrong password, the user that the client named'),
  host: text('the destination asked for: a canonical name or an IP literal'),
  port: count('its port'),
  sni: text('the server_name of the ClientHello'),
  alpn: texts("the protocols that the ClientHello offers, in the client's order: the first 16 at most, and 255 bytes"),
  alpn_more: count('how many more protocols it offers'),
  tls: text('the highest TLS version that it offers: `TLSv1.3`'),
  ech: flag('whether it has an encrypted_client_hello extension; GREASE looks the same'),
  original: text('the original destination of an intercepted connection, as `ip:port`'),
  upstream: text('the address that was dialled, also in vain, as `ip:port`'),
  bytes_up: count(
    'bytes relayed from client to upstream, with the ClientHello, without the CONNECT head and PROXY headers',
  ),
  bytes_down: count('bytes relayed from upstream to client, without our own replies'),
  resolve_ms: ms('how long the look-up took'),
  connect_ms: ms('how long dialling took, all attempts together'),
  first_byte_ms: ms("from the tunnel being up to the upstream's first byte"),
  duration_ms: ms('from accept to the end, or to this line'),
  status: count('the HTTP status of the answer to the client'),
  outcome: word(
    ['ok', 'refused', 'failed'],
    '`refused`: by us; `failed`: by the destination, the resolver or a parent, or the client left before its tunnel was up; `ok`: all else, a `probe` too',
  ),
  reason: text("why it ended: the same word as the metrics' label"),
  stage: text('the step in which it ended, where its tunnel never came up'),
  detail: text('a sentence on the cause, or on a fault that was let pass'),
} as const;

/** Fields that only the end of a tunnel has. */
export const END_FIELDS = ['first_byte_ms', 'outcome', 'reason', 'stage', 'detail'] as const;

/** The fields of a message in words. */
export const MESSAGE_FIELDS = {
  id: text('the tunnel that it is about'),
  listener: text('the door that it is about, or `admin`'),
  mode: TUNNEL_FIELDS.mode,
  address: text('where a door listens, or a collector of the log'),
  user: text('the user that the process runs as'),
  reason: text('the cause, as the system reports it'),
  detail: text('a sentence on the cause'),
  remedy: text('what to do'),
  problems: texts('what is wrong with a configuration file, each with file, line and column'),
  err: error('an error of the system or a bug of ours: `type`, `message`, `stack`'),
  pid: count('the process id of the successor'),
  code: text("the system's name of the error"),
  path: text('the page of the admin server that was asked for'),
  added: texts('IP addresses that this machine has now, and had not before'),
  removed: texts('IP addresses that this machine had, and has no more'),
  limit: count('the limit that is set'),
  store: text('the Redis by which limits are shared, as `host:port`'),
  tunnels: count('how many tunnels are live'),
  ended: count('how many tunnels a reload ended because its rules deny them'),
  tunnels_that_fit: count('how many tunnels the limit on open files leaves room for'),
  timeout_ms: ms('how long the drain lasts at most'),
  exit: count('the exit code'),
  lines_dropped: count('how many log lines were lost'),
} as const;

type ValueOf<Of extends Field> = Of extends { readonly words: readonly (infer Word)[] } ? Word : FormValues[Of['form']];

interface FormValues {
  readonly text: string;
  readonly count: number;
  readonly ms: number;
  readonly flag: boolean;
  readonly texts: readonly string[];
  readonly error: unknown;
}

/** `undefined` is allowed, so that a line can be written as one literal, and is left out. */
type Values<Fields extends Readonly<Record<string, Field>>> = {
  readonly [Name in keyof Fields]?: ValueOf<Fields[Name]> | undefined;
};

/** The fields of any line about a tunnel. */
export interface TunnelFields extends Values<typeof TUNNEL_FIELDS> {
  readonly id: string;
  readonly listener: string;
  readonly mode: 'connect' | 'sni';
  readonly client: string;
}

/** One tunnel or refusal, logged once when it ends. */
export interface TunnelLine extends TunnelFields {
  readonly outcome: Outcome;
  readonly reason: string;
}

/** A tunnel that is up. */
export type LiveLine = Omit<TunnelFields, (typeof END_FIELDS)[number]>;

/** The fields beside a message in words. */
export type MessageFields = Values<typeof MESSAGE_FIELDS>;

/** How a tunnel ended, in one word for log and metrics. */
export type Outcome = 'ok' | 'refused' | 'failed';
