import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TrafficHistory } from '../../src/admin/history.ts';
import { openApiDocument } from '../../src/admin/open-api.ts';
import { adminRoutes } from '../../src/admin/routes.ts';
import type { AdminView } from '../../src/admin/admin-view.ts';

/** Routes are only listed here: none of them is asked. */
const history = new TrafficHistory(
  () => ({ listeners: [], egresses: [], dnsCache: [], dialAttempts: [] }),
  () => false,
);
const routes = adminRoutes({ services: {}, history } as AdminView);
const document = JSON.parse(JSON.stringify(openApiDocument())) as { paths: Record<string, Record<string, unknown>> };

/** Served by the admin server itself; files of the page are no part of the API. */
const VITAL = ['/metrics', '/healthz', '/readyz'];
const FILES = '/page/*';

describe('the OpenAPI document', () => {
  it('is what configs/admin-api.openapi.json holds; if not: curl http://127.0.0.1:9128/api/openapi.json', () => {
    const committed = readFileSync(new URL('../../../../configs/admin-api.openapi.json', import.meta.url), 'utf8');
    expect(JSON.parse(committed)).toEqual(document);
  });

  it('has both forms of the metrics', () => {
    expect(document.paths['/metrics']).toMatchObject({
      get: { responses: { 200: { content: { 'text/plain': {}, 'application/openmetrics-text': {} } } } },
    });
  });

  it('has every route of the admin server, with its method, and no other', () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('{id}', '*')}`),
    );
    const served = routes.filter(({ path }) => path !== FILES).map(({ method, path }) => `${method} ${path}`);
    expect(documented.sort()).toEqual([...served, ...VITAL.map((path) => `GET ${path}`)].sort());
  });
});
