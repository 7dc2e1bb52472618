/** The admin server: metrics and health over plain HTTP. Its listener cannot be reached through either door. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '../log/logger.ts';
import { loadHttp } from '../load-library.ts';
import { hasTwoHosts, namesThisMachine } from './asked-host.ts';
import { tameConnections } from './connections.ts';
import { type AdminAddress, AdminListenError } from './listen-error.ts';
import { paceClients } from './paced-socket.ts';
import { isAskedByOtherSite } from './other-site.ts';
import { type AdminReply, type AdminRoute, matchPath, type VitalSources, vitalRoutes } from './routes.ts';
import { listenAtPath, SocketPath } from './socket-path.ts';

export interface AdminOptions extends VitalSources {
  readonly bind: AdminAddress;
  /** The descriptor of a socket that listens there already, to be used and closed in place of our own. */
  readonly passed?: number | undefined;
  /** Further pages, besides `/metrics`, `/healthz` and `/readyz`. */
  readonly routes?: readonly AdminRoute[];
  /** Gets the error of a route that failed; the client only gets a 500. */
  readonly log: Pick<Logger, 'error'>;
}

export interface AdminServer {
  /** The address really bound. */
  readonly address: AdminAddress;
  /** The descriptor of its socket, for another process to share. Valid until it is closed. */
  readonly socket: number | undefined;
  /** False where the path of its socket was removed, or is another file by now: no client can find it. */
  isReachable(): boolean;
  /** Ends at once, with all requests and kept-alive connections. */
  close(): Promise<void>;
  /**
   * Another server has the address from now on: no client is accepted any more. Resolves once those that are connected have their answers,
   * or have taken too long.
   */
  leave(): Promise<void>;
}

/** No page needs a longer or larger request. A client that stalls holds one of few places, and must not hold it for long. */
const LIMITS = {
  headersTimeout: 2_000,
  requestTimeout: 5_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 500,
  maxHeaderSize: 8 * 1024,
};

/** How long a client may take no byte of its answer, in milliseconds. */
const STALLED_MS = 10_000;

/** How long a client that is connected may take to ask and to have its answer, when the server leaves, in milliseconds. */
const LEAVING_MS = 5_000;

/** Rejects with an {@link AdminListenError}. */
export async function startAdminServer(options: AdminOptions): Promise<AdminServer> {
  const routes = [...vitalRoutes(options), ...(options.routes ?? [])];
  const isOnLoopback = 'host' in options.bind && isLoopback(options.bind.host);
  const server = loadHttp().createServer(LIMITS);
  server.on(
    'request',
    tameConnections(server, (request, response) => {
      const reply = refuse(request, isOnLoopback) ?? answer(routes, request);
      void Promise.resolve(reply)
        .catch((cause: unknown) => {
          options.log.error({ err: cause, path: request.url }, 'an admin page failed');
          return FAILED;
        })
        .then((reply) => send(response, reply, server.listening));
    }),
  );
  server.on('connect', refuseTunnel);
  server.setTimeout(STALLED_MS);
  paceClients(server);
  const address = await listen(server, options.bind, options.passed);
  const place = 'path' in address ? new SocketPath(address.path) : undefined;
  const keepPlace = (end: () => Promise<void>): Promise<void> => (place ? place.keep(end) : end());
  return {
    address,
    socket: descriptorOf(server),
    isReachable: () => place?.isOurs() ?? true,
    async close() {
      if (server.listening && place?.isOurs()) place.remove();
      await keepPlace(() => close(server));
    },
    leave: () => keepPlace(() => leave(server)),
  };
}

const NO_TUNNELS = 'this is the admin server; a CONNECT goes to the port of an explicit door\n';

/** Many programs show only the status line. Node.js has given the connection up, and there is no response to write to. */
function refuseTunnel(_request: IncomingMessage, client: Duplex): void {
  const head = [
    `HTTP/1.1 405 Method Not Allowed (${NO_TUNNELS.trimEnd()})`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${NO_TUNNELS.length}`,
    'Allow: GET, HEAD',
    'Connection: close',
  ];
  client.on('error', () => undefined);
  client.end(`${head.join('\r\n')}\r\n\r\n${NO_TUNNELS}`, () => client.destroy());
}

interface Answer extends AdminReply {
  /** The methods that the page has. */
  readonly allow?: string;
}

const NOT_FOUND: Answer = { status: 404, body: 'no such page\n' };
const FAILED: Answer = { status: 500, body: 'this page failed; the log says why\n' };
const TWO_HOSTS: Answer = { status: 400, body: 'a request has one Host field\n' };
const OTHER_SITE: Answer = { status: 403, body: 'requests from pages of other sites are refused\n' };
const MISDIRECTED: Answer = { status: 421, body: 'ask for this server by its IP address or as localhost\n' };

/** A server that is not on loopback answers for any name: its names are unknown, and pages reach it without a trick. */
function refuse(request: IncomingMessage, isOnLoopback: boolean): Answer | undefined {
  if (hasTwoHosts(request)) return TWO_HOSTS;
  if (isOnLoopback && !namesThisMachine(request)) return MISDIRECTED;
  return isAskedByOtherSite(request.headers) ? OTHER_SITE : undefined;
}

async function answer(routes: readonly AdminRoute[], request: IncomingMessage): Promise<Answer> {
  const { path, query } = readTarget(request.url ?? '');
  const methods: string[] = [];
  for (const route of routes) {
    const segment = matchPath(route.path, path);
    if (segment === undefined) continue;
    const allowed = route.method === 'GET' ? ['GET', 'HEAD'] : [route.method];
    const { accept } = request.headers;
    if (allowed.includes(request.method ?? '')) return route.answer({ query, segment, accept });
    methods.push(...allowed);
  }
  if (methods.length === 0) return NOT_FOUND;
  const allow = methods.join(', ');
  return { status: 405, body: `this page has only ${allow}\n`, allow };
}

/**
 * The path as it was sent: a proxy before us that lets some paths pass must find the same one. A URL parser would take `//x/metrics` for
 * `/metrics` at another host, and resolve dots. In absolute-form (RFC 9112 §3.2.2) it removes the host.
 */
function readTarget(target: string): { readonly path: string; readonly query: URLSearchParams } {
  if (!target.startsWith('/') && URL.canParse(target)) {
    const { pathname, searchParams } = new URL(target);
    return { path: pathname, query: searchParams };
  }
  const [path = ''] = target.split('?', 1);
  return { path, query: new URLSearchParams(target.slice(path.length)) };
}

/** A HEAD gets the same headers, and Node.js leaves the body out. A 204 has no body and no length (RFC 9110 §8.6). */
function send(
  response: ServerResponse,
  { status, body, contentType, allow, headers }: Answer,
  mayAskMore: boolean,
): void {
  response.writeHead(status, {
    ...(!mayAskMore && { Connection: 'close' }),
    ...(status !== 204 && {
      'Content-Type': contentType ?? 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    }),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(allow !== undefined && { Allow: allow }),
    ...headers,
  });
  response.end(body);
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}

/** `_handle` is not documented. It is the only way to get a server's descriptor. */
function descriptorOf(server: Server): number | undefined {
  return (server as unknown as { readonly _handle?: { readonly fd?: number } })._handle?.fd;
}

function listen(server: Server, bind: AdminAddress, passed: number | undefined): Promise<AdminAddress> {
  return new Promise((resolve, reject) => {
    // The listener stays. Once the server listens, the rejection has no effect, and an error of one accept ends nothing.
    server.on('error', (cause) => reject(new AdminListenError(bind, cause)));
    if (passed !== undefined) {
      server.listen({ fd: passed }, () => resolve(addressOf(server) ?? bind));
      return;
    }
    if ('path' in bind) {
      listenAtPath(server, bind.path, () => resolve(bind));
      return;
    }
    server.listen({ host: bind.host, port: bind.port, ipv6Only: true }, () => resolve(addressOf(server) ?? bind));
  });
}

function addressOf(server: Server): AdminAddress | undefined {
  const bound = server.address();
  return bound !== null && typeof bound === 'object' ? { host: bound.address, port: bound.port } : undefined;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** A new client that has not asked yet counts as busy, and one between two requests does not. */
async function leave(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  server.closeIdleConnections();
  const deadline = setTimeout(() => server.closeAllConnections(), LEAVING_MS);
  await closed;
  clearTimeout(deadline);
}
