/** One request on its way up and its response on the way down: to the rest of the house, a tunnel like any other. */
import {
  type ClientRequest,
  type IncomingMessage,
  type InformationEvent,
  type OutgoingMessage,
  request as sendRequest,
  type ServerResponse,
} from 'node:http';
import type { DeadlineMs, TunnelCounts } from '@sallyport/tunnel-splice';
import type { CutReason } from '../account/tunnel-facts.ts';
import type { Relay, RelayResult } from '../account/tunnel-record.ts';
import { type RefusalReason, TunnelError } from '../reasons.ts';
import { type RawFields, responseFieldsDown, trailersOf } from './fields.ts';
import { encodeHead } from './encode-head.ts';
import type { LegStream } from './leg-stream.ts';
import { setAlarm } from './alarm.ts';

export interface ExchangeOptions {
  readonly client: LegStream;
  readonly upstream: LegStream;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** How the destination is asked. */
  readonly originForm: string;
  readonly fields: RawFields;
  /** The client has asked to change to another protocol. */
  readonly mayUpgrade: boolean;
  /** Asked when the answer is there: is the client told that its connection ends with it? */
  isLast(): boolean;
  readonly idleTimeoutMs: number;
  readonly lifetimeDeadline: DeadlineMs;
}

/** How the destination answered. */
export type Answer =
  /** It is on its way to the client; `done` tells when it has all gone. */
  | { readonly kind: 'response'; readonly status: number }
  /** The exchange is over; both streams wait to be handed back. `upstreamBytes` came behind the 101. */
  | { readonly kind: 'switched'; readonly response: IncomingMessage; readonly upstreamBytes: Uint8Array };

/** Owns the upstream from its first line on, and the client's stream while it lasts. */
export class Exchange implements Relay {
  /** Rejects with a TunnelError where there is no answer: then the client has been told nothing. */
  readonly answered: Promise<Answer>;
  /** Resolves once the client has the whole response, or its connection was reset because there is no more of it. */
  readonly done: Promise<RelayResult>;
  readonly #options: ExchangeOptions;
  readonly #up: ClientRequest;
  #settleAnswer: { resolve: (answer: Answer) => void; reject: (error: TunnelError) => void } | undefined;
  #settle: (result: RelayResult) => void = () => undefined;
  #forgetClient: () => void = () => undefined;
  #cancelAlarm: () => void = () => undefined;
  #firstByteAt: DeadlineMs | undefined;
  #isOver = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.answered = new Promise((resolve, reject) => (this.#settleAnswer = { resolve, reject }));
    this.done = new Promise((resolve) => (this.#settle = resolve));
    this.#up = this.#send();
    this.#watch();
    const { client } = options;
    this.#forgetClient = client.leg.whenGone((how) => this.#finish(how === 'end' ? 'client_closed' : 'client_reset'));
    // Closed by ourselves while the upstream was dialled: a drain.
    if (client.departure !== undefined) this.#finish('client_closed');
  }

  counts(): TunnelCounts {
    const { bytesRead, bytesWritten } = this.#options.upstream;
    return { bytesUp: bytesWritten, bytesDown: bytesRead };
  }

  cut(reason: CutReason): void {
    this.#finish(reason);
  }

  /** Ends it for a fault of the client's in the midst of its content. */
  fail(error: TunnelError): void {
    this.#finish('client_closed', error);
  }

  #send(): ClientRequest {
    const { request, upstream, originForm, fields } = this.#options;
    const up = sendRequest({
      createConnection: () => upstream.stream,
      method: request.method,
      path: originForm,
      headers: [...fields],
      setHost: false,
      insecureHTTPParser: false,
      maxHeaderSize: MAX_RESPONSE_HEAD_BYTES,
    });
    up.maxHeadersCount = 0;
    up.on('information', (interim) => this.#passInterim(interim));
    up.on('response', (response) => this.#respond(response));
    up.on('upgrade', (response, _stream, head) => this.#switch(response, head));
    up.on('error', (error) => this.#failed(error));
    up.flushHeaders();
    pipeContent(request, up);
    return up;
  }

  /** 100 and 103 go down as they come; who speaks HTTP/1.0 knows of none (RFC 9110 §15.2). */
  #passInterim(interim: InformationEvent): void {
    const { client, request, response } = this.#options;
    if (this.#isOver || response.headersSent || request.httpVersion === '1.0') return;
    client.stream.write(encodeHead(interim.statusCode, interim.statusMessage, responseFieldsDown(interim)));
  }

  #respond(answer: IncomingMessage): void {
    const { client, response } = this.#options;
    const { statusCode: status = 0, statusMessage = '' } = answer;
    if (this.#isOver || !isIntelligible(answer)) {
      this.#finish('upstream_closed', badResponse());
      return;
    }
    this.#firstByteAt = performance.now();
    if (this.#options.isLast()) response.shouldKeepAlive = false;
    response.on('error', () => this.#finish('client_closed'));
    response.on('finish', () => void client.drained().then(() => this.#finish('upstream_closed')));
    response.writeHead(status, statusMessage, [...responseFieldsDown(answer)]);
    // Else a client waits for the head as long as the content is in coming.
    response.flushHeaders();
    pipeContent(answer, response);
    answer.on('error', (error) => this.#failed(error));
    this.#settleAnswer?.resolve({ kind: 'response', status });
  }

  #switch(response: IncomingMessage, upstreamBytes: Uint8Array): void {
    if (this.#isOver || !this.#options.mayUpgrade) {
      this.#finish('upstream_closed', badResponse());
      return;
    }
    this.#isOver = true;
    this.#release();
    this.#settleAnswer?.resolve({ kind: 'switched', response, upstreamBytes });
  }

  #failed(error: NodeJS.ErrnoException): void {
    const end = this.#options.upstream.departure === 'reset' ? 'upstream_reset' : 'upstream_closed';
    this.#finish(end, error.code?.startsWith('HPE_') ? badResponse() : undefined);
  }

  /** The first cause wins. */
  #finish(cause: RelayResult['end'], error = new TunnelError(...UNANSWERED[cause])): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#release();
    const { client, upstream, response } = this.#options;
    if (!response.headersSent) this.#settleAnswer?.reject(error);
    // With a FIN, a response that was cut short could look complete.
    else if (!response.writableFinished) client.stream.destroy(new Error('the response was cut short'));
    this.#up.destroy();
    upstream.stream.destroy();
    // Who has the whole response may leave before we know that it has.
    const end = response.writableFinished ? 'upstream_closed' : cause;
    this.#settle({ end, ...this.counts(), ...(this.#firstByteAt !== undefined && { firstByteAt: this.#firstByteAt }) });
  }

  #release(): void {
    this.#cancelAlarm();
    this.#forgetClient();
  }

  #watch(): void {
    const { client, upstream, idleTimeoutMs, lifetimeDeadline } = this.#options;
    const idleAt = Math.max(client.lastMoveAt, upstream.lastMoveAt) + idleTimeoutMs;
    const now = performance.now();
    if (now >= lifetimeDeadline) this.#finish('lifetime');
    else if (now >= idleAt) this.#finish('idle');
    else this.#cancelAlarm = setAlarm(Math.min(idleAt, lifetimeDeadline), () => this.#watch());
  }
}

/** As much as we take from any client; beyond it the destination's answer is as good as none. */
const MAX_RESPONSE_HEAD_BYTES = 64 * 1024;

/** What it means for the request when an exchange ends before there was an answer. */
const UNANSWERED: Readonly<Record<RelayResult['end'], readonly [reason: RefusalReason, sentence: string]>> = {
  client_closed: ['client_closed', 'The client left before its request was answered.'],
  client_reset: ['client_closed', 'The client left before its request was answered.'],
  upstream_closed: ['upstream_closed', 'The destination closed the connection without an answer.'],
  upstream_reset: ['upstream_reset', 'The destination reset the connection without an answer.'],
  idle: ['idle', 'The destination did not answer in time.'],
  half_close: ['idle', 'The destination did not answer in time.'],
  lifetime: ['lifetime', 'The destination did not answer within the lifetime of the connection.'],
  drain: ['drain', 'Sallyport ended before the destination answered.'],
};

function badResponse(): TunnelError {
  return new TunnelError('bad_response', 'The destination does not answer in well-formed HTTP.');
}

/** What is beneath a coding other than chunked is nothing that could be framed anew (RFC 9112 §6.1). */
function isIntelligible({ statusCode = 0, statusMessage = '', headers }: IncomingMessage): boolean {
  const coding = headers['transfer-encoding'];
  return statusCode >= 200 && FIELD_TEXT.test(statusMessage) && (coding === undefined || /^chunked$/i.test(coding));
}

/** RFC 9112 §4: HTAB, SP, VCHAR and obs-text. */
const FIELD_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Content with backpressure, and trailers. Content that was cut short never ends. */
function pipeContent(from: IncomingMessage, to: OutgoingMessage): void {
  from.pipe(to, { end: false });
  from.on('error', () => from.unpipe(to));
  from.on('end', () => {
    to.addTrailers(trailersOf(from));
    to.end();
  });
}
