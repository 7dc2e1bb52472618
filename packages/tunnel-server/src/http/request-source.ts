/** What a client of plain HTTP asks, one request after the other: `node:http` reads, and nobody is served out of turn. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { DeadlineMs } from '@sallyport/tunnel-splice';
import { TunnelError } from '../reasons.ts';
import { setAlarm } from './alarm.ts';
import type { LegStream } from './leg-stream.ts';

/** What came next. */
export type Arrival =
  | { readonly kind: 'request'; readonly request: IncomingMessage; readonly response: ServerResponse }
  /** No request can be read any more, and the client is to be told why. */
  | { readonly kind: 'broken'; readonly error: TunnelError }
  /** The client has left, or kept silent too long. */
  | { readonly kind: 'over' };

/** What bounds the reading of requests. */
export interface SourceLimits {
  readonly headLimitBytes: number;
  /** From a head's first byte to its last. */
  readonly headTimeoutMs: number;
  /** From one request's end to the next one's first byte. */
  readonly idleTimeoutMs: number;
  /** When the connection ends in any case. */
  readonly lifetimeDeadline: DeadlineMs;
}

/** Reads requests out of one client's stream. The stream stays its owner's, who ends it. */
export class RequestSource {
  readonly #client: LegStream;
  readonly #limits: SourceLimits;
  readonly #arrivals: Arrival[] = [];
  #onArrival: (() => void) | undefined;
  /** When the first byte came of a head that is not whole yet. */
  #headBeganAt: DeadlineMs | undefined;
  #onHeadBegan: (() => void) | undefined;
  /** The request whose head came last; what is read belongs to it until it is complete. */
  #latest: IncomingMessage | undefined;
  /** What is wrong with its content: after that nothing is read, so it is the last of all. */
  #brokenContent: TunnelError | undefined;
  #onBroken: { readonly of: IncomingMessage; readonly listener: (error: TunnelError) => void } | undefined;

  constructor(client: LegStream, limits: SourceLimits) {
    this.#client = client;
    this.#limits = limits;
    client.stream.on('end', () => this.#arrive({ kind: 'over' })).on('close', () => this.#arrive({ kind: 'over' }));
    this.#openServer().emit('connection', client.stream);
    client.stream.prependListener('data', () => this.#noteBytes());
  }

  /** The next request, once the one before it has been answered. */
  async next(headDeadline?: DeadlineMs): Promise<Arrival> {
    this.#onBroken = undefined;
    if (!this.#client.isOver && this.#arrivals.length === 0) await this.#wait(headDeadline);
    // Who has left, if only with a FIN, is not waiting for an answer.
    if (this.#client.isOver) return { kind: 'over' };
    const arrival = this.#arrivals.shift() ?? { kind: 'over' };
    if (this.#arrivals.length === 0) this.#client.resume();
    return arrival;
  }

  /** Whether the client has said more than the request it was asked for. */
  get hasMore(): boolean {
    return this.#arrivals.length > 0;
  }

  /** Calls `listener` when the content of `request` turns out to be malformed, at once if it has. */
  whenBroken(request: IncomingMessage, listener: (error: TunnelError) => void): void {
    this.#onBroken = { of: request, listener };
    this.#tellBroken();
  }

  /** Ends the client's stream: with these last words, and with not a byte more read. */
  close(lastBytes?: Uint8Array): void {
    this.#client.hold();
    this.#client.stream.end(lastBytes);
  }

  #openServer(): ReturnType<typeof createServer> {
    const server = createServer({
      insecureHTTPParser: false,
      maxHeaderSize: this.#limits.headLimitBytes,
      // Judged with all else that makes a form, so that the answer is ours.
      requireHostHeader: false,
      keepAliveTimeout: 0,
    });
    // Else fields beyond the two-thousandth would be dropped without a word: the bytes are bounded already.
    server.maxHeadersCount = 0;
    const arrive = (request: IncomingMessage, response: ServerResponse): void => {
      this.#latest = request;
      this.#arrive({ kind: 'request', request, response });
    };
    // Whether to send content is for the destination to say (RFC 9110 §10.1.1).
    server.on('request', arrive).on('checkContinue', arrive).on('checkExpectation', arrive);
    server.on('connect', () =>
      this.#break('malformed', 'The request is malformed: a CONNECT comes first on its connection.'),
    );
    server.on('clientError', (error: NodeJS.ErrnoException) => this.#failed(error));
    return server;
  }

  #failed({ code = '' }: NodeJS.ErrnoException): void {
    if (code === 'HPE_HEADER_OVERFLOW') {
      this.#break('too_large', `The request head is larger than ${this.#limits.headLimitBytes} bytes.`);
    } else if (code !== 'HPE_INVALID_EOF_STATE' && code.startsWith('HPE_')) {
      const what = code.slice('HPE_'.length).toLowerCase().replaceAll('_', ' ');
      this.#break('malformed', `The request is malformed: ${what}.`);
    }
    // All else is the client leaving, which the stream's end tells.
  }

  #break(reason: 'malformed' | 'too_large' | 'handshake_timeout', sentence: string): void {
    const error = new TunnelError(reason, sentence);
    if (this.#latest?.complete ?? true) {
      this.#arrive({ kind: 'broken', error });
    } else {
      this.#brokenContent = error;
      this.#tellBroken();
    }
  }

  #tellBroken(): void {
    if (this.#brokenContent && this.#onBroken?.of === this.#latest) this.#onBroken?.listener(this.#brokenContent);
  }

  #arrive(arrival: Arrival): void {
    // Behind what can't be read, nothing is.
    if (this.#arrivals.some(({ kind }) => kind !== 'request')) return;
    this.#arrivals.push(arrival);
    this.#headBeganAt = undefined;
    this.#client.hold();
    this.#onArrival?.();
  }

  /** Called before the parser sees them: bytes behind a message that was complete begin the next one. */
  #noteBytes(): void {
    const isOfLatest = this.#latest?.complete === false;
    if (isOfLatest || this.#headBeganAt !== undefined) return;
    this.#headBeganAt = performance.now();
    this.#onHeadBegan?.();
  }

  /** Until something arrives, or until it is too late for it. */
  async #wait(headDeadline: DeadlineMs | undefined): Promise<void> {
    let cancel = this.#setAlarm(headDeadline);
    this.#onHeadBegan = () => {
      cancel();
      cancel = this.#setAlarm(headDeadline);
    };
    await new Promise<void>((resolve) => (this.#onArrival = resolve));
    this.#onArrival = undefined;
    this.#onHeadBegan = undefined;
    cancel();
  }

  /** A head that has begun has to be whole in time; a client that is silent may be so for longer. */
  #setAlarm(headDeadline: DeadlineMs | undefined): () => void {
    const { headTimeoutMs, idleTimeoutMs, lifetimeDeadline } = this.#limits;
    const began = this.#headBeganAt;
    const headBy = headDeadline ?? (began === undefined ? undefined : began + headTimeoutMs);
    if (headBy === undefined) {
      return setAlarm(Math.min(performance.now() + idleTimeoutMs, lifetimeDeadline), () =>
        this.#arrive({ kind: 'over' }),
      );
    }
    return setAlarm(headBy, () => this.#break('handshake_timeout', 'The request head was not complete in time.'));
  }
}
