/** Asks an admin server, over TCP or a Unix socket. */
import type { RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import { loadHttp } from '@sallyport/telemetry';
import type { ZodType } from 'zod';

export type AdminPlace = Pick<RequestOptions, 'host' | 'port' | 'path'> | Pick<RequestOptions, 'socketPath'>;

const ANSWERED_WITHIN_MS = 5_000;

/** `http://host:port`, `host:port` or `unix:PATH`; undefined for any other text. */
export function readAdminPlace(spelled: string): AdminPlace | undefined {
  if (spelled.startsWith('unix:')) return spelled.length > 5 ? { socketPath: spelled.slice(5) } : undefined;
  const url = spelled.includes('://') ? spelled : `http://${spelled}`;
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port, pathname, search, hash, username } = new URL(url);
  if (protocol !== 'http:' || hostname === '' || `${search}${hash}${username}` !== '') return undefined;
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 80 : Number(port),
    path: pathname.replace(/\/$/, ''),
  };
}

export class AdminClient {
  readonly #place: AdminPlace;

  constructor(place: AdminPlace) {
    this.#place = place;
  }

  /** Rejects with a sentence on what was answered instead. */
  async ask<Reply>(path: string, schema: ZodType<Reply>): Promise<Reply> {
    const { status, body } = await this.#get(path);
    if (status !== 200) throw new Error(`${path} is answered with ${status}`);
    const read = schema.safeParse(parseJson(body));
    if (read.success) return read.data;
    throw new Error(`${path} has an answer that this version of Sallyport does not know`);
  }

  #get(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const before = 'path' in this.#place ? (this.#place.path ?? '') : '';
    const options = { ...this.#place, path: `${before}${path}`, signal: AbortSignal.timeout(ANSWERED_WITHIN_MS) };
    return new Promise((resolve, reject) => {
      const fail = (where: string) => (cause: NodeJS.ErrnoException) => {
        reject(new Error(explain(cause, where), { cause }));
      };
      const asked = loadHttp().request(options, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), fail('within its answer'));
      });
      asked.on('error', fail('without an answer'));
      asked.end();
    });
  }
}

/** @param where a connection that was closed was closed */
function explain({ code = '', name, message }: NodeJS.ErrnoException, where: string): string {
  // Of the parser of HTTP: HPE_INVALID_CONSTANT and others.
  if (code.startsWith('HPE_')) return 'what answers there is no HTTP';
  switch (code) {
    case 'ECONNREFUSED':
      return 'no server listens there';
    case 'ENOENT':
      return 'there is no such socket';
    case 'EACCES':
      return 'this user may not use that socket';
    case 'ECONNRESET':
      return `the connection was closed ${where}`;
    case 'ENOTFOUND':
      return 'that name does not resolve';
    default:
      return name === 'AbortError' ? 'there was no reply in time' : message;
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
