/** The pages of the admin server besides metrics and health. Read this first. */
import { setTimeout as wait } from 'node:timers/promises';
import { type AdminReply, type AdminRequest, type AdminRoute, Turns } from '@sallyport/telemetry';
import type { AdminView } from './admin-view.ts';
import type { DenialsReply, ExplainReply, HistoryReply, StatusReply, TunnelsReply } from './api.ts';
import { explainDestination } from './explain-destination.ts';
import { SAMPLE_MS } from './history.ts';
import { listTunnels, type TunnelQuery } from './list-tunnels.ts';
import { openApiDocument } from './open-api.ts';
import { pageRoutes } from './page-files.ts';
import { PARAMETERS } from './operations.ts';
import { type Parameters, type ReadParameters, readParameters } from './parameters.ts';
import { describeStatus } from './status.ts';
import { TunnelRates } from './tunnel-rates.ts';

type Json = StatusReply | TunnelsReply | DenialsReply | HistoryReply | ExplainReply;

export function adminRoutes(view: AdminView): readonly AdminRoute[] {
  const { services, history } = view;
  const rates = new TunnelRates();
  const turns = new Turns();
  const get = inTurn(view, turns);
  return [
    ...pageRoutes(() => view.settings().config.admin.status_page),
    get('/api/openapi.json', {}, () => ({
      status: 200,
      body: JSON.stringify(openApiDocument()),
      contentType: JSON_TYPE,
    })),
    get('/api/status', PARAMETERS.status, () => json(describeStatus(view))),
    get('/api/history', PARAMETERS.history, () =>
      json({ interval_ms: SAMPLE_MS, doors: Object.fromEntries(history.doors()) }),
    ),
    get('/api/tunnels', PARAMETERS.tunnels, (values) => {
      const query = readTunnelQuery(values);
      const { tunnels, live, matching } = listTunnels(services.ledger, rates, query);
      return json({ tunnels, ...(query.withCounts && { live, matching }) });
    }),
    { method: 'DELETE', path: '/api/tunnels/*', answer: (request) => cutTunnel(request, view, turns) },
    get('/api/denials', PARAMETERS.denials, ({ limit, verdict }) => {
      const denials = services.ledger.denials.top(verdict === 'report' ? 'report' : 'deny', Number(limit));
      return json({
        denials: denials.map(({ client, lastAt, ...denial }) => ({
          ...denial,
          last: new Date(lastAt).toISOString(),
          client,
        })),
      });
    }),
    // In turns of its own, for it may wait for a name server.
    inTurn(view, new Turns())(
      '/api/explain',
      PARAMETERS.explain,
      async ({ host = '', port, client = '', listener, user }) => {
        const reply = await explainDestination({ host, port: Number(port), client, listener, user }, view);
        return typeof reply === 'string' ? sentence(400, reply) : json(reply);
      },
    ),
  ];
}

/** A client may ask right after its own tunnel, whose last bytes are on their way still. */
const SETTLED_AFTER_MS = 20;

/** Does the work of a request in its turn, when all that has happened by then is in the books. */
async function whenSettled<Result>(
  { services: { transport } }: AdminView,
  turns: Turns,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  await wait(SETTLED_AFTER_MS);
  return turns.take(() => {
    transport.catchUp?.();
    return work();
  });
}

type ValuesOf<Table extends Parameters> = Extract<ReadParameters<Table>, { kind: 'ok' }>['values'];

/** Answers one request at a time, with pauses between: a list of thousands of tunnels takes milliseconds of the thread that decides. */
function inTurn(view: AdminView, turns: Turns) {
  return function get<Table extends Parameters>(
    path: string,
    table: Table,
    answer: (values: ValuesOf<Table>) => AdminReply | Promise<AdminReply>,
  ): AdminRoute {
    return {
      method: 'GET',
      path,
      answer: async ({ query }) => {
        const read = readParameters(query, table);
        if (read.kind === 'wrong') return sentence(400, read.why);
        return whenSettled(view, turns, () => answer(read.values));
      },
    };
  };
}

function readTunnelQuery(values: ValuesOf<typeof PARAMETERS.tunnels>): TunnelQuery & { readonly withCounts: boolean } {
  const { sort, limit, filter = '', rates } = values;
  return {
    sort: sort === 'age' || sort === 'rate' ? sort : 'bytes',
    limit: Number(limit),
    filter,
    withRates: rates === 'true' || sort === 'rate',
    withCounts: rates === 'true' || filter !== '',
  };
}

async function cutTunnel({ segment, query }: AdminRequest, view: AdminView, turns: Turns): Promise<AdminReply> {
  const read = readParameters(query, {});
  if (read.kind === 'wrong') return sentence(400, read.why);
  if (!view.settings().config.admin.control)
    return sentence(403, 'no tunnel can be ended here unless the configuration says admin.control: true');
  const isCut = await whenSettled(view, turns, () => view.services.ledger.cut(segment, 'admin'));
  return isCut ? { status: 204, body: '' } : sentence(404, 'no live tunnel has this id');
}

const JSON_TYPE = 'application/json; charset=utf-8';

function json(body: Json): AdminReply {
  return { status: 200, body: `${JSON.stringify(body)}\n`, contentType: JSON_TYPE };
}

function sentence(status: number, text: string): AdminReply {
  return { status, body: `${text}\n` };
}
