/** Plain HTTP on a door with `http: forward`: one client's connection, from its first request to its last. Read this first. */
import type { TunnelRecord } from '../account/tunnel-record.ts';
import type { PlainHttp } from '../frontend.ts';
import { TunnelError } from '../reasons.ts';
import { forwardRequest, refuseRequest, type Visit } from './forward-request.ts';
import { LegStream } from './leg-stream.ts';
import { RequestSource } from './request-source.ts';

/**
 * Serves a client's requests one after the other; never rejects. The destination is decided for each of them anew, and each has a
 * record, a log line and an upstream connection of its own, which ends with it: nothing that one request was allowed is there for
 * the next. The client's place in the limits is held for the whole connection.
 */
export async function forwardHttp(visit: Visit, opening: PlainHttp): Promise<void> {
  const { client, door, ledger } = visit;
  const release = visit.record.leavePlace();
  const limits = door.httpLimits();
  const connection = new LegStream(client, opening.clientBytes);
  const source = new RequestSource(connection, limits);
  const context = { client, door, ledger, opening, limits, connection, source };

  let first: TunnelRecord | undefined = visit.record;
  for (let next = await source.next(opening.headDeadline); next.kind !== 'over'; next = await source.next()) {
    const turn = { ...context, record: first ?? ledger.open(client, door) };
    first = undefined;
    turn.record.enter('identify');
    if (next.kind === 'broken') refuseRequest(next.error, turn);
    else if ((await forwardRequest(next, turn)) === 'switched') {
      source.close();
      return;
    }
  }
  first?.failed(new TunnelError('client_closed', 'The client left before its request was read.'), undefined);
  source.close();
  release();
}
