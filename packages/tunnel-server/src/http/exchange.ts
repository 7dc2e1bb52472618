/** One request to the destination and its response to the client. All other modules treat it as a tunnel. */
import type { DeadlineMs, Departure, Leg, TunnelCounts } from '@sallyport/tunnel-splice';
import { type CutReason, DENIED_BY_RELOAD } from '../account/tunnel-facts.ts';
import type { Relay, RelayResult } from '../account/tunnel-record.ts';
import { setAlarm } from '../alarm.ts';
import { TunnelError } from '../reasons.ts';
import { type Carried, carryContent } from './carry-content.ts';
import { type ContentForm, responseContentForm } from './content-form.ts';
import type { FramingTurns } from './framing-turns.ts';
import { encodeHead } from './encode-head.ts';
import { isKeptAlive, requiredUpgrade, responseFieldsDown, takesOffer } from './fields.ts';
import { Inflow, Outflow } from './flows.ts';
import { malformedRequest } from './malformed-request.ts';
import { openContent } from './open-content.ts';
import { readFinalHead, SWITCHING_PROTOCOLS } from './read-final-head.ts';
import { fieldValue, type RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';
import { type Unanswered, unanswered, unauthorised } from './unanswered.ts';

/** A request whose checks are over, and the legs that it is exchanged between. */
export interface ExchangeOptions {
  /** What the client sends; its content first. */
  readonly client: Inflow;
  readonly upstream: Leg;
  readonly request: Pick<RequestHead, 'method' | 'version' | 'fields'>;
  /** The form of the request's content. */
  readonly form: ContentForm;
  /** The head that is sent to the destination. */
  readonly headUp: Uint8Array;
  /** The egress whose proxy is asked to forward the request. Left out where the upstream is the destination. */
  readonly forwarder?: string | undefined;
  /** The client has asked to change to another protocol, and the destination is told so. */
  readonly mayUpgrade: boolean;
  /** Asked when the response has come: is the client told that its connection ends with it? */
  isLast(): boolean;
  readonly turns: FramingTurns;
  readonly idleTimeoutMs: number;
  readonly lifetimeDeadline: DeadlineMs;
}

/** How an exchange ended. The upstream is closed then, except for `switched`. */
export type ExchangeEnd =
  | Unanswered
  /** `upstream_closed` where the client has the whole response. At any other end its connection was reset. */
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly result: RelayResult;
      readonly isKept: boolean;
      readonly remark?: string;
    }
  /** The response, or the request, was malformed somewhere in its content. The client's connection was reset. */
  | {
      readonly kind: 'broken';
      readonly status: number;
      readonly error: TunnelError;
      readonly firstByteAt: DeadlineMs | undefined;
    }
  /** Both legs are the caller's. `upstreamBytes` came behind the 101. What the client sent behind its request is still in its flow. */
  | { readonly kind: 'switched'; readonly head: ResponseHead; readonly upstreamBytes: Uint8Array };

/** Owns the upstream from its first line on, and the client's reads and writes until it ends. */
export class Exchange implements Relay {
  /** Never rejects. */
  readonly done: Promise<ExchangeEnd>;
  readonly #options: ExchangeOptions;
  readonly #fromUpstream: Inflow;
  readonly #toUpstream: Outflow;
  readonly #toClient: Outflow;
  readonly #uploaded: Promise<void>;
  #settle: (end: ExchangeEnd) => void = () => undefined;
  #forgetClient: () => void = () => undefined;
  #cancelAlarm: () => void = () => undefined;
  /** All of the request is written. */
  #isAsked = false;
  /** The status of the response whose head the client has. */
  #status: number | undefined;
  #isKept = false;
  /** All of the response is written. */
  #isAnswered = false;
  #remark: string | undefined;
  #isOver = false;
  /** The heads of a request that becomes a tunnel count as little as those of a CONNECT, so until then none may be counted. */
  #mayBecomeTunnel: boolean;

  constructor(options: ExchangeOptions) {
    const { client, upstream } = options;
    this.#options = options;
    this.#mayBecomeTunnel = options.mayUpgrade;
    this.#fromUpstream = new Inflow(upstream);
    this.#toUpstream = new Outflow(upstream);
    this.#toClient = new Outflow(client.leg);
    this.done = new Promise((resolve) => (this.#settle = resolve));
    this.#watch();
    this.#forgetClient = client.leg.whenGone((how) => this.#finish(how === 'end' ? 'client_closed' : 'client_reset'));
    // The client may have left while the upstream was dialled.
    this.#uploaded = this.#isOver ? Promise.resolve() : this.#ask();
    if (!this.#isOver) void this.#answer();
  }

  counts(): TunnelCounts {
    if (this.#mayBecomeTunnel) return { bytesUp: 0, bytesDown: 0 };
    return { bytesUp: this.#toUpstream.bytesWritten, bytesDown: this.#toClient.bytesWritten };
  }

  cut(reason: CutReason): void {
    this.#finish(reason);
  }

  /** A write that fails ends nothing: what the destination sent before it closed can still be read. */
  async #ask(): Promise<void> {
    const { client, request, form, headUp, turns } = this.#options;
    await this.#toUpstream.write(headUp);
    const carried = await carryContent({
      head: request,
      from: client,
      reader: openContent(form, 'strict'),
      to: this.#toUpstream,
      isChunked: form.kind === 'chunked',
      turns,
      onWritten: () => (this.#isAsked = true),
    });
    if (typeof carried !== 'string') this.#break(malformedRequest(carried.why));
    // The leg reports a client that has left. Where we ended the exchange, all is over by now.
  }

  async #answer(): Promise<void> {
    const { request } = this.#options;
    const read = await readFinalHead(this.#fromUpstream, this.#toClient, request.version);
    if (read.kind === 'left') this.#left(read.how);
    else if (read.kind === 'malformed') this.#break(this.#badResponse(read.why));
    else if (this.#isOver) return;
    else if (read.head.status !== SWITCHING_PROTOCOLS) await this.#pass(read.head);
    else if (takesOffer(request, read.head)) await this.#switch(read.head);
    else this.#break(this.#badResponse('it changes to a protocol that was not asked for'));
  }

  async #pass(head: ResponseHead): Promise<void> {
    const { request, forwarder, turns } = this.#options;
    // The client has no credentials for a proxy beyond us, and must not be asked for any.
    if (forwarder !== undefined && head.status === 407) {
      this.#break(unauthorised(forwarder));
      return;
    }
    const form = responseContentForm(head, request.method);
    if (form.kind === 'malformed') {
      this.#break(this.#badResponse(form.why));
      return;
    }
    // HTTP/1.0 has no chunks: the content ends with the connection.
    const isChunked = request.version === '1.1' && (form.kind === 'chunked' || form.kind === 'until-end');
    // Where the request's content has not all been read, the rest would be taken for the next request.
    this.#isKept = this.#isAsked && isKeptAlive(request) && !this.#options.isLast();
    this.#mayBecomeTunnel = false;
    this.#status = head.status;
    await this.#toClient.write(encodeDown(head, isChunked, this.#isKept));
    const carried = await carryContent({
      head,
      from: this.#fromUpstream,
      reader: openContent(form, 'lenient'),
      to: this.#toClient,
      isChunked,
      turns,
      onWritten: () => (this.#isAnswered = true),
    });
    this.#passed(carried);
  }

  #passed(carried: Carried): void {
    if (typeof carried !== 'string') this.#break(this.#badResponse(carried.why));
    else if (carried === 'end') this.#break(this.#badResponse('it ends in the middle of its content'));
    else if (carried === 'reset') this.#finish('upstream_reset');
    else {
      if (this.#fromUpstream.unread.length > 0) this.#remark = 'More came behind the response, and was dropped.';
      this.#finish('upstream_closed');
    }
  }

  /** Once all of the request is sent: what the client sends then is no longer read here. */
  async #switch(head: ResponseHead): Promise<void> {
    await this.#uploaded;
    if (this.#isOver) return;
    this.#isOver = true;
    this.#release();
    this.#settle({ kind: 'switched', head, upstreamBytes: this.#fromUpstream.unread });
  }

  #badResponse(why: string): TunnelError {
    const whose =
      this.#options.forwarder === undefined ? "The destination's answer" : 'The answer of the proxy beyond this one';
    return new TunnelError('bad_response', `${whose} is malformed: ${why}.`);
  }

  #left(how: Departure): void {
    if (how === 'reset') this.#finish('upstream_reset');
    else if (this.#fromUpstream.bytesRead > 0 && this.#fromUpstream.unread.length > 0)
      this.#break(this.#badResponse('it ends in the middle of its head'));
    else this.#finish('upstream_closed');
  }

  /** Ends it because one of the messages is malformed. */
  #break(error: TunnelError): void {
    if (this.#isOver) return;
    this.#end();
    if (this.#status === undefined) {
      this.#settle({ kind: 'unanswered', error });
      return;
    }
    this.#options.client.leg.reset();
    this.#settle({ kind: 'broken', status: this.#status, error, firstByteAt: this.#fromUpstream.firstByteAt });
  }

  /** The first cause wins. */
  #finish(cause: RelayResult['end']): void {
    if (this.#isOver) return;
    this.#end();
    const status = this.#status;
    if (status === undefined) {
      const { forwarder: name, upstream: leg } = this.#options;
      this.#settle(unanswered(cause, this.#isRequestAwaited, name === undefined ? undefined : { name, leg }));
      return;
    }
    // With a FIN, a response that was cut short could look complete.
    if (!this.#isAnswered) this.#options.client.leg.reset();
    // A client that has the whole response may leave before we know that it has.
    const end = this.#isAnswered ? 'upstream_closed' : cause;
    if (end === 'policy') this.#remark = DENIED_BY_RELOAD;
    const { firstByteAt } = this.#fromUpstream;
    const result = { end, ...this.counts(), ...(firstByteAt !== undefined && { firstByteAt }) };
    const isKept = this.#isKept && cause === 'upstream_closed';
    this.#settle({
      kind: 'answered',
      status,
      result,
      isKept,
      ...(this.#remark !== undefined && { remark: this.#remark }),
    });
  }

  /** The client has not sent all of its request, and waits for nothing. */
  get #isRequestAwaited(): boolean {
    return this.#options.client.isAwaited && !this.#isAsked && !this.#mayAwait100;
  }

  /** A client that expects a 100 may wait for that before it sends any content, but none of HTTP/1.0 (RFC 9110 §10.1.1). */
  get #mayAwait100(): boolean {
    const { request, headUp } = this.#options;
    if (request.version === '1.0' || fieldValue(request, 'expect') === undefined) return false;
    const hasInterim = this.#toClient.bytesWritten > 0;
    return !hasInterim && this.#toUpstream.bytesWritten === headUp.length;
  }

  #end(): void {
    this.#isOver = true;
    this.#mayBecomeTunnel = false;
    this.#release();
    this.#toUpstream.shut();
    this.#options.upstream.close();
  }

  #release(): void {
    this.#cancelAlarm();
    this.#forgetClient();
  }

  #watch(): void {
    const { client, idleTimeoutMs, lifetimeDeadline } = this.#options;
    const flows = [client, this.#toClient, this.#fromUpstream, this.#toUpstream];
    const idleAt = Math.max(...flows.map(({ lastMoveAt }) => lastMoveAt)) + idleTimeoutMs;
    const now = performance.now();
    if (now >= lifetimeDeadline) this.#finish('lifetime');
    else if (now >= idleAt) this.#finish('idle');
    else this.#cancelAlarm = setAlarm(Math.min(idleAt, lifetimeDeadline), () => this.#watch());
  }
}

function encodeDown(head: ResponseHead, isChunked: boolean, isKept: boolean): Uint8Array {
  const upgrade = requiredUpgrade(head);
  const options = [...(isKept ? [] : ['close']), ...(upgrade === undefined ? [] : ['upgrade'])];
  return encodeHead(`HTTP/1.1 ${head.status} ${head.reasonPhrase}`, [
    ...responseFieldsDown(head, new Date()),
    ...(isChunked ? [['Transfer-Encoding', 'chunked'] as const] : []),
    ...(upgrade === undefined ? [] : [['Upgrade', upgrade] as const]),
    ...(options.length === 0 ? [] : [['Connection', options.join(', ')] as const]),
  ]);
}
