/**
 * Libraries that are loaded at their first use. A command that serves nobody has no log, no metrics and no admin server, and these take
 * 70 ms of CPU.
 *
 * `node:http` is not imported for one more reason. An import reads everything that it exports, and Node.js 22 and later load undici for
 * its WebSocket: 40 ms of CPU and 14 MiB of memory.
 */
import type * as Http from 'node:http';
import { createRequire } from 'node:module';
import type * as Pino from 'pino';
import type * as PromClient from 'prom-client';

const require = createRequire(import.meta.url);

// The types are those of the libraries themselves.
export const loadHttp = (): typeof Http => require('node:http') as typeof Http;
export const loadPino = (): typeof Pino => require('pino') as typeof Pino;

/**
 * The parts of prom-client that we use. Its index also loads a push gateway, a server of a cluster's metrics and OpenTelemetry: 90 files,
 * 35 ms of CPU and 6 MiB of memory.
 */
export const loadPromClient = (): Pick<typeof PromClient, 'Counter' | 'Gauge' | 'Registry'> => ({
  Counter: require('prom-client/lib/counter.js') as typeof PromClient.Counter,
  Gauge: require('prom-client/lib/gauge.js') as typeof PromClient.Gauge,
  Registry: require('prom-client/lib/registry.js') as typeof PromClient.Registry,
});

/** One of prom-client's own groups of metrics, by the name of its file. */
export const loadCollector = (name: string): ((registry: PromClient.Registry) => void) =>
  require(`prom-client/lib/metrics/${name}.js`) as (registry: PromClient.Registry) => void;
