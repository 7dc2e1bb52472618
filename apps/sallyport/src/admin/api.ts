/**
 * The one definition of the admin API's answers. The types, the OpenAPI document and the parser of `sallyport top` are made from it.
 *
 * Names are the same as in the access log. Counts begin at the start of the process. Times are ISO 8601 in UTC.
 */
import * as z from 'zod';

const count = z.int().min(0);
const seconds = z.number().min(0);
const moment = z.string().describe('ISO 8601, in UTC.');

const tunnel = z.object({
  id: z.string().describe('As in the access log.'),
  listener: z.string(),
  client: z.string(),
  user: z.string().exactOptional(),
  host: z.string(),
  port: count,
  rule: z.string().describe('The rule that let it through, or default.'),
  bytes_up: count,
  bytes_down: count,
  age_ms: count.describe('Since its client was accepted.'),
  bytes_per_second: count
    .describe('Both ways, over the last seconds; with sort=rate or rates=true alone.')
    .exactOptional(),
});

/** `GET /api/tunnels` */
export const tunnelsReply = z.object({
  tunnels: z.array(tunnel),
  live: count.describe('How many tunnels there are.').exactOptional(),
  matching: count.describe('How many of them the filter lets pass.').exactOptional(),
});

const denial = z.object({
  host: z.string(),
  port: count,
  listener: z.string(),
  rule: z.string().describe('What denied it, or default; left out where no rule was asked.').exactOptional(),
  reason: z.string(),
  count: count.describe('Exact for the first thousand destinations, at least so many beyond.'),
  last: moment,
  client: z.string().describe('That of the latest denial.'),
});

/** `GET /api/denials` */
export const denialsReply = z.object({ denials: z.array(denial) });

const series = z.array(z.number());

/** `GET /api/history` */
export const historyReply = z.object({
  interval_ms: count,
  doors: z
    .record(
      z.string(),
      z.object({
        tunnels: series.describe('Live ones, at the end of each interval.'),
        set_ups: series.describe('A second, as are all that follow.'),
        bytes_up: series,
        bytes_down: series,
        refused: series,
      }),
    )
    .describe('By listener; the oldest interval first.'),
});

/** `GET /api/explain` */
export const explainReply = z.object({
  verdict: z.enum(['allow', 'deny', 'report']),
  rule: z.string(),
  text: z.string().describe('What sallyport explain prints.'),
  yaml: z.string().describe('What would allow it; left out where nothing would.').exactOptional(),
});

const door = z.object({
  name: z.string(),
  mode: z.enum(['connect', 'sni']),
  addresses: z.array(z.string()).describe('Where it listens.'),
  state: z.enum(['opening', 'open', 'draining']),
  report_only: z.boolean().describe('Rules deny nothing here.'),
  tls: z.boolean().describe('Clients use TLS with it.'),
  tunnels: count.describe('Live ones.'),
  handshakes: count.describe('Connections whose tunnel is not up yet.'),
  set_ups: count.describe('Tunnels that have come up.'),
  refused: count,
  failed: count,
  bytes_up: count,
  bytes_down: count,
});

const times = z
  .object({ p50: seconds.exactOptional(), p99: seconds.exactOptional() })
  .describe('Of the last five minutes, in seconds; left out where there was none.');

const egress = z.object({
  name: z.string(),
  type: z.enum(['direct', 'http', 'socks5']),
  address: z.string().describe('Of a parent.').exactOptional(),
  up: z.boolean(),
  attempts: z.partialRecord(z.enum(['ok', 'refused', 'down', 'silent', 'failed']), count),
});

const limit = z.object({
  name: z.enum(['tunnels', 'tunnels_per_client']),
  listener: z.string().describe('Left out where it is the limit over all of them.').exactOptional(),
  used: count.describe('Of tunnels_per_client: by the client that has the most.'),
  limit: count,
});

/** `GET /api/status` */
export const statusReply = z.object({
  version: z.string(),
  node: z.string(),
  engine: z.enum(['native', 'portable']),
  state: z.enum(['starting', 'ready', 'draining']),
  now: moment,
  started: moment,
  uptime_ms: count,
  memory_bytes: count.describe('Resident.'),
  control: z.boolean().describe('Whether DELETE /api/tunnels/ID ends a tunnel.'),
  report_only: z.boolean().describe('Rules deny nothing anywhere.'),
  doors: z.array(door),
  refusals: z.array(z.object({ listener: z.string(), reason: z.string(), count })),
  failures: z.array(z.object({ listener: z.string(), reason: z.string(), count })),
  decisions: z.array(z.object({ rule: z.string(), decision: z.enum(['allow', 'deny', 'report']), count })),
  dns: z.object({ hit: count, miss: count, negative: count, seconds: times }),
  dials: z.object({
    attempts: z.array(z.object({ family: z.enum(['ipv4', 'ipv6']), result: z.string(), count })),
    seconds: times,
  }),
  egresses: z.array(egress),
  limits: z.array(limit),
  reload: z
    .object({
      result: z.enum(['success', 'failure']),
      at: moment,
      problems: z.array(z.string()).describe('FILE:LINE:COL: path: message'),
    })
    .describe('The last one; left out where there was none.')
    .exactOptional(),
  log_lines_dropped: count,
});

export type TunnelEntry = z.output<typeof tunnel>;
export type TunnelsReply = z.output<typeof tunnelsReply>;
export type DenialsReply = z.output<typeof denialsReply>;
export type HistoryReply = z.output<typeof historyReply>;
export type ExplainReply = z.output<typeof explainReply>;
export type StatusReply = z.output<typeof statusReply>;
