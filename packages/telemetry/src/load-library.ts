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
export const loadPromClient = (): typeof PromClient => require('prom-client') as typeof PromClient;
