/** Sends to a collector of OpenTelemetry: logs as JSON over HTTP (OTLP 1.x). */
import type { Agent, IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as requestTls } from 'node:https';
import type { Socket } from 'node:net';
import { loadHttp } from '../../load-library.ts';
import type { CollectorTls, Courier, Delivery } from './collector-sink.ts';
import { wordCause } from '../word-cause.ts';
import { otlpBody } from './otlp-body.ts';

export interface OtlpOptions {
  /** Of http or https; `/v1/logs` is added to its path. */
  readonly endpoint: string;
  /** Sent with every request, and never shown. */
  readonly headers: Readonly<Record<string, string>>;
  /** For an endpoint with https. */
  readonly tls?: CollectorTls | undefined;
}

/** For a whole exchange. */
const DEADLINE_MS = 10_000;
/** A collector that asks to be asked again at once is not: encoding a batch takes time of the deciding thread. */
const SHORTEST_RETRY_AFTER_MS = 1_000;
const LONGEST_RETRY_AFTER_MS = 60_000;
/** The most that is read of an answer. */
const ANSWER_LIMIT_BYTES = 64 * 1024;
/** The statuses after which the same batch may be sent again (OTLP, "Retryable Response Codes"). */
const RETRYABLE: readonly number[] = [429, 502, 503, 504];
const WAS_CLOSED: Delivery = { kind: 'failed', detail: 'it closed the connection' };

export class OtlpCourier implements Courier {
  readonly #url: URL;
  readonly #options: OtlpOptions;
  readonly #agent: Agent;
  #isClosed = false;

  constructor(options: OtlpOptions) {
    this.#url = logsUrl(options.endpoint);
    this.#options = options;
    const kept = { keepAlive: true, maxSockets: 1 };
    this.#agent =
      this.#url.protocol === 'https:' ? new TlsAgent({ ...kept, ca: options.tls?.ca }) : new (loadHttp().Agent)(kept);
  }

  async deliver(lines: readonly string[]): Promise<Delivery> {
    const body = otlpBody(lines);
    const first = await this.#post(body, lines.length);
    if (first !== 'stale') return first;
    // It closed an idle connection while we wrote, which says nothing about the batch. `close` does the same to a connection in use.
    return this.#isClosed ? WAS_CLOSED : this.#postOnce(body, lines.length);
  }

  close(): void {
    this.#isClosed = true;
    this.#agent.destroy();
  }

  async #postOnce(body: string, lines: number): Promise<Delivery> {
    const delivery = await this.#post(body, lines);
    return delivery === 'stale' ? WAS_CLOSED : delivery;
  }

  #post(body: string, lines: number): Promise<Delivery | 'stale'> {
    const { headers } = this.#options;
    const ask = this.#url.protocol === 'https:' ? requestTls : loadHttp().request;
    return new Promise((resolve) => {
      const asking = ask(this.#url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        agent: this.#agent,
      });
      const deadline = setTimeout(() => asking.destroy(new Error('no answer in time')), DEADLINE_MS);
      asking
        .on('response', (response: IncomingMessage) => void readAnswer(response, lines).then(resolve))
        // Without this listener Node.js closes the connection and says nothing more.
        .on('upgrade', ({ statusCode: status }: IncomingMessage, socket: Socket) => {
          socket.destroy();
          resolve({ kind: 'rejected', lines, detail: `it answers ${status}` });
        })
        .on('error', (cause: NodeJS.ErrnoException) => {
          const isStale = asking.reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
          resolve(isStale ? 'stale' : { kind: 'failed', detail: wordCause(cause) });
        })
        .on('close', () => clearTimeout(deadline))
        .end(body);
    });
  }
}

function logsUrl(endpoint: string): URL {
  const url = new URL(endpoint);
  const path = url.pathname.replace(/\/$/, '');
  url.pathname = path.endsWith('/v1/logs') ? path : `${path}/v1/logs`;
  return url;
}

async function readAnswer(response: IncomingMessage, lines: number): Promise<Delivery> {
  const { statusCode: status = 0, headers } = response;
  const text = await readText(response);
  // OTLP says 200. Some collectors have nothing to add to their success (204), or only queue it (202).
  if (status >= 200 && status < 300) return readPartialSuccess(text, lines);
  const detail = `it answers ${status}`;
  if (!RETRYABLE.includes(status)) return { kind: 'rejected', lines, detail };
  return { kind: 'failed', detail, retryAfterMs: readRetryAfter(headers['retry-after']) };
}

/** Undefined where it was cut short. */
async function readText(response: IncomingMessage): Promise<string | undefined> {
  let text = '';
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      text += String(chunk);
      if (text.length > ANSWER_LIMIT_BYTES) return undefined;
    }
    return text;
  } catch {
    return undefined; // The status is known already.
  }
}

/** It may take some lines and reject others (ExportLogsPartialSuccess). */
function readPartialSuccess(text: string | undefined, lines: number): Delivery {
  const rejected = Number(/"rejectedLogRecords"\s*:\s*"?(\d+)/.exec(text ?? '')?.[1] ?? 0);
  if (rejected === 0) return { kind: 'taken' };
  return { kind: 'rejected', lines: Math.min(rejected, lines), detail: 'it rejects some lines' };
}

/** Seconds, or a date (RFC 9110 §10.2.3). */
function readRetryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, SHORTEST_RETRY_AFTER_MS), LONGEST_RETRY_AFTER_MS);
}
