/** The OpenAPI document of the admin server, made from the definitions of its answers. */
import * as z from 'zod';
import { denialsReply, explainReply, historyReply, statusReply, tunnelsReply } from './api.ts';
import { PARAMETERS } from './operations.ts';
import { MOST_ENTRIES, LONGEST_TEXT, type Parameter, type Parameters } from './parameters.ts';

export function openApiDocument(): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sallyport admin API',
      version: '1',
      description:
        'On admin.bind. Errors are one sentence of plain text. Unless admin.control is on, it changes nothing.',
    },
    paths: {
      '/': {
        get: { summary: 'The status page.', responses: { 200: content('The page.', 'text/html'), 404: PAGE_OFF } },
      },
      '/metrics': {
        get: {
          summary: 'Metrics for Prometheus.',
          responses: { 200: content('All series.', 'text/plain', 'application/openmetrics-text') },
        },
      },
      '/healthz': { get: { summary: 'Whether it lives.', responses: { 200: content('It does.', 'text/plain') } } },
      '/readyz': {
        get: {
          summary: 'Whether it takes new tunnels.',
          responses: {
            200: content('It does.', 'text/plain'),
            503: sentence('It is not listening yet, or draining.'),
          },
        },
      },
      '/api/openapi.json': {
        get: { summary: 'This document.', responses: { 200: content('This document.', 'application/json') } },
      },
      '/api/status': json('How the proxy is.', PARAMETERS.status, statusReply),
      '/api/history': json('The last 15 minutes.', PARAMETERS.history, historyReply),
      '/api/tunnels': json('Live tunnels.', PARAMETERS.tunnels, tunnelsReply),
      '/api/tunnels/{id}': { delete: cutOperation() },
      '/api/denials': json('The destinations that are denied most.', PARAMETERS.denials, denialsReply),
      '/api/explain': json('Why a client may or may not go somewhere.', PARAMETERS.explain, explainReply),
    },
  };
}

const PAGE_OFF = sentence('admin.status_page is off.');

function cutOperation(): unknown {
  return {
    summary: 'Ends a live tunnel; its reason in the log is admin.',
    parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
    responses: {
      204: { description: 'It was told to end.' },
      400: sentence('There is a query.'),
      403: sentence('admin.control is off, or the page of another site asks.'),
      404: sentence('No live tunnel has this id.'),
    },
  };
}

function json(summary: string, parameters: Parameters, schema: z.ZodType): unknown {
  const reply = { ...z.toJSONSchema(schema), $schema: undefined };
  return {
    get: {
      summary,
      parameters: Object.entries(parameters).map(describeParameter),
      responses: {
        200: { description: summary, content: { 'application/json': { schema: reply } } },
        400: sentence('A parameter is wrong.'),
      },
    },
  };
}

function describeParameter([name, parameter]: readonly [string, Parameter]): unknown {
  const { about, isRequired = false } = parameter;
  return { name, in: 'query', description: about, required: isRequired, schema: schemaOf(parameter) };
}

function schemaOf({ kind, choices, byDefault, most = MOST_ENTRIES }: Parameter): unknown {
  switch (kind) {
    case 'choice':
      return { type: 'string', enum: choices, default: byDefault };
    case 'count':
      return { type: 'integer', minimum: 1, maximum: most, default: Number(byDefault) };
    case 'port':
      return { type: 'integer', minimum: 1, maximum: 65_535 };
    case 'text':
      return { type: 'string', maxLength: LONGEST_TEXT };
  }
}

function sentence(description: string): unknown {
  return content(description, 'text/plain');
}

/** @param types by Accept, where there are several */
function content(description: string, ...types: readonly string[]): unknown {
  return { description, content: Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }])) };
}
