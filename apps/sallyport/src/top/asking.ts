/** Asks the admin server for the content of one screen. */
import {
  type DenialsReply,
  denialsReply,
  type StatusReply,
  statusReply,
  type TunnelsReply,
  tunnelsReply,
} from '../admin/api.ts';
import type { AdminClient } from './admin-client.ts';

/** The choices made by keys. */
export interface Asking {
  readonly sort: 'bytes' | 'age' | 'rate';
  readonly verdict: 'deny' | 'report';
}

export interface Seen {
  readonly asking: Asking;
  readonly status: StatusReply;
  readonly tunnels: TunnelsReply;
  readonly denials: DenialsReply;
  /** The status before it, from which rates are calculated. */
  readonly before?: StatusReply;
  /** Why the shown figures are old. */
  readonly failure?: string;
}

/** More than any terminal has lines. */
const MOST = 200;

export async function askAll(client: AdminClient, asking: Asking, before?: StatusReply): Promise<Seen> {
  const { sort, verdict } = asking;
  const [status, tunnels, denials] = await Promise.all([
    client.ask('/api/status', statusReply),
    client.ask(`/api/tunnels?sort=${sort}&limit=${MOST}&rates=true`, tunnelsReply),
    client.ask(`/api/denials?verdict=${verdict}&limit=${MOST}`, denialsReply),
  ]);
  return { asking, status, tunnels, denials, ...(before && { before }) };
}
