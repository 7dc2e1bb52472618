/** The answers of the admin server, by path. */
import type { Metrics } from '../metrics.ts';
import { acceptsOpenMetrics, OPEN_METRICS_TYPE, toOpenMetrics } from './open-metrics.ts';
import { shareScrapes } from './shared-scrape.ts';

/** The parts of a request that a route may look at. Bodies are never read. */
export interface AdminRequest {
  readonly query: URLSearchParams;
  /** Its Accept field, if it has one. */
  readonly accept: string | undefined;
  /** The text in place of the `*` of the route's path, as it was sent; empty where there is none. */
  readonly segment: string;
}

export interface AdminReply {
  readonly status: number;
  readonly body: string;
  /** Plain text if left out. */
  readonly contentType?: string;
  /** Further headers, such as a Content-Security-Policy. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AdminRoute {
  /** `GET` answers HEAD too. */
  readonly method: 'GET' | 'DELETE';
  /** Exact, or with `/*` at its end, which stands for any one segment. */
  readonly path: string;
  answer(request: AdminRequest): AdminReply | Promise<AdminReply>;
}

export interface VitalSources {
  readonly metrics: Pick<Metrics, 'scrape' | 'contentType'>;
  /** Whether new tunnels are taken: false before listening and while draining. */
  readonly readiness: () => boolean;
}

/** The routes for orchestrators and Prometheus. */
export function vitalRoutes({ metrics, readiness }: VitalSources): readonly AdminRoute[] {
  const scrape = shareScrapes(async () => new Reading(await metrics.scrape()));
  return [
    {
      method: 'GET',
      path: '/metrics',
      answer: async ({ accept }) => {
        const reading = await scrape();
        return acceptsOpenMetrics(accept)
          ? { status: 200, body: reading.openMetrics(), contentType: OPEN_METRICS_TYPE }
          : { status: 200, body: reading.text, contentType: metrics.contentType };
      },
    },
    { method: 'GET', path: '/healthz', answer: () => ({ status: 200, body: 'alive\n' }) },
    {
      method: 'GET',
      path: '/readyz',
      answer: () => (readiness() ? { status: 200, body: 'ready\n' } : { status: 503, body: 'not ready\n' }),
    },
  ];
}

/** One scrape, in the format that the client asks for: it is converted once, for all clients. */
class Reading {
  readonly text: string;
  #openMetrics: string | undefined;

  constructor(text: string) {
    this.text = text;
  }

  openMetrics(): string {
    return (this.#openMetrics ??= toOpenMetrics(this.text));
  }
}

/** The segment that matches the `*` of a route's path; undefined where the path does not match. */
export function matchPath(routePath: string, path: string): string | undefined {
  if (!routePath.endsWith('/*')) return routePath === path ? '' : undefined;
  const parent = routePath.slice(0, -1);
  const segment = path.slice(parent.length);
  return path.startsWith(parent) && segment !== '' && !segment.includes('/') ? segment : undefined;
}
