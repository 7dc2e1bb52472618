/**
 * The second ClientHello. A server may answer the first with a HelloRetryRequest (RFC 8446 §4.1.4), and then uses the name in the second,
 * whatever the first named. So nothing of the second is sent up unless it names the same host.
 */
import { type DeadlineMs, type Departure, type Leg, TICK_MS } from '@sallyport/tunnel-splice';
import type { PrereadLimits } from './frontend.ts';
import type { HelloFacts } from './hello-facts.ts';
import type { ReadHello } from './hello-inside.ts';
import {
  isSecondHelloPossible,
  judgeReply,
  MAX_RECORD_BYTES,
  NOTHING,
  takeRecordsBefore,
} from './second-hello-records.ts';

/** While an upstream is silent, it is checked less and less often whether the client has sent more. */
const LONGEST_WAIT_MS = 400;
/** What is sent up between the hellos is not held back, so it is bounded. Servers usually take 16 KiB of early data. */
const MAX_RECORDS_BYTES = 64 * 1024;

/** A tunnel of whose client only the first hello was sent up. */
export interface GreetedTunnel {
  readonly client: Leg;
  readonly upstream: Leg;
  readonly hello: HelloFacts;
  /** Read from the client behind its hello, and not sent. */
  readonly clientBytes: Uint8Array;
  readonly limits: PrereadLimits;
  /** Where no byte of the client waits, and none went either way for so long, the tunnel goes on, to end at its own deadline. In milliseconds. */
  readonly quietTimeoutMs: number;
  /** An upstream that does not answer in time ends the tunnel, even where no byte of the client waits for that. */
  readonly isStrict: boolean;
  /** Called for bytes that are relayed, as they are sent. */
  readonly onRelayed: (bytesUp: number, bytesDown: number) => void;
}

/** What both sides have sent that is to be relayed next. */
export interface Greeted {
  readonly kind: 'greeted';
  readonly clientBytes: Uint8Array;
  readonly upstreamBytes: Uint8Array;
  /** The second hello, where there was one. */
  readonly second: HelloFacts | undefined;
  /** Since when no byte has gone either way. */
  readonly quietSince: DeadlineMs;
}

/** How the second hello was passed, or why the tunnel cannot go on. */
export type GreetResult =
  | Greeted
  /** Nothing of the second hello was sent up. `second` is undefined, and `why` set, where it cannot be read. */
  | (Omit<Greeted, 'kind'> & { readonly kind: 'other-host'; readonly why: string | undefined })
  /** The upstream did not answer in time. */
  | (Omit<Greeted, 'kind'> & { readonly kind: 'unanswered' })
  /** The client did not send its second hello in time. */
  | (Omit<Greeted, 'kind'> & { readonly kind: 'timed-out' })
  | (Omit<Greeted, 'kind'> & { readonly kind: 'left' })
  /** The upstream has left after its HelloRetryRequest, all of which was sent down. */
  | (Omit<Greeted, 'kind'> & { readonly kind: 'upstream-closed' | 'upstream-reset' });

/**
 * Follows the tunnel until no further hello can count: the upstream has answered with something else than a HelloRetryRequest, or the
 * second hello was read. The caller owns both legs throughout. Throws nothing.
 */
export async function passSecondHello(tunnel: GreetedTunnel, readHello: ReadHello): Promise<GreetResult> {
  const pass = new Pass(tunnel);
  const reply = await pass.awaitReply();
  if (reply !== 'retry') return pass.result(reply);
  return pass.awaitSecond(readHello);
}

class Pass {
  readonly #tunnel: GreetedTunnel;
  #clientBytes: Uint8Array;
  #upstreamBytes: Uint8Array = NOTHING;
  #second: HelloFacts | undefined;
  /** When the last byte was sent, up or down: now the first hello. */
  #sentAt: DeadlineMs = performance.now();
  /** Bytes sent between the hellos, up and down. */
  #recordBytes = 0;
  #answerBytes = 0;

  constructor(tunnel: GreetedTunnel) {
    this.#tunnel = tunnel;
    this.#clientBytes = tunnel.clientBytes;
  }

  result<Kind extends GreetResult['kind']>(kind: Kind) {
    return {
      kind,
      clientBytes: this.#clientBytes,
      upstreamBytes: this.#upstreamBytes,
      second: this.#second,
      quietSince: this.#sentAt,
      why: undefined,
    };
  }

  /** Nearly always the upstream sends next. What the client sends before may be early data, which is sent up, or a hello, which waits. */
  async awaitReply(): Promise<'greeted' | 'retry' | 'unanswered' | 'left'> {
    const { client, upstream, limits } = this.#tunnel;
    for (let waitMs = TICK_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      const more = await this.#readMore(client, performance.now());
      const next = this.#sendRecords();
      // No more will come of the client, so what waits is no hello: a half-closed client, as some probes are.
      if ((more === 'end' || more === 'reset') && next !== 'hello') return 'greeted';
      // Nobody waits for the answer, and only that would tell whether the hello may be sent up.
      if (more === 'reset') return 'left';
      if (!isSecondHelloPossible(this.#clientBytes)) return 'greeted';
      const deadline = this.#replyDeadline();
      const said = await upstream.read(limits.prereadLimitBytes, Math.min(performance.now() + waitMs, deadline));
      if (said === 'end' || said === 'reset') return 'greeted';
      if (said !== 'deadline') {
        this.#upstreamBytes = Buffer.concat([this.#upstreamBytes, said]);
        const reply = judgeReply(this.#upstreamBytes);
        if (reply !== 'undecided') return reply === 'retry' ? 'retry' : 'greeted';
        continue;
      }
      if (performance.now() >= deadline) return this.#isReplyNeeded ? 'unanswered' : 'greeted';
    }
  }

  /** The tunnel cannot go on without it. */
  get #isReplyNeeded(): boolean {
    return this.#tunnel.isStrict || this.#clientBytes.length > 0;
  }

  #replyDeadline(): DeadlineMs {
    const { limits, quietTimeoutMs } = this.#tunnel;
    return this.#isReplyNeeded ? limits.deadline : Math.min(limits.deadline, this.#sentAt + quietTimeoutMs);
  }

  async awaitSecond(readHello: ReadHello): Promise<GreetResult> {
    const { client, limits } = this.#tunnel;
    this.#sendDown(this.#upstreamBytes);
    this.#upstreamBytes = NOTHING;
    for (let waitMs = TICK_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      const next = this.#sendRecords();
      if (next === 'other') return this.result('greeted');
      if (next === 'hello') break;
      const more = await this.#readMore(client, Math.min(performance.now() + waitMs, limits.deadline));
      if (more === 'end' || more === 'reset') return this.result('left');
      if (more === 'full' || (more === 'deadline' && performance.now() >= limits.deadline)) {
        return this.result('timed-out');
      }
      const departure = await this.#passAnswerOn();
      if (departure !== undefined) return this.#deserted(departure);
    }
    return this.#readSecond(readHello);
  }

  /** It has begun, and may come in pieces. */
  async #readSecond(readHello: ReadHello): Promise<GreetResult> {
    const { client, limits, hello } = this.#tunnel;
    for (let waitMs = TICK_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      const deadline = Math.min(performance.now() + waitMs, limits.deadline);
      const { found, bytes } = await readHello(client, { ...limits, deadline }, this.#clientBytes);
      this.#clientBytes = bytes;
      if (found.kind === 'timed-out' && performance.now() < limits.deadline) {
        const departure = await this.#passAnswerOn();
        if (departure !== undefined) return this.#deserted(departure);
        continue;
      }
      if (found.kind === 'timed-out' || found.kind === 'left') return this.result(found.kind);
      if (found.kind === 'hello') this.#second = found.hello;
      if (found.kind === 'hello' && isSameHost(found.hello, hello)) return this.result('greeted');
      const why = found.kind === 'malformed' ? `is malformed: ${found.why}` : 'is larger than handshake_bytes';
      return { ...this.result('other-host'), why: found.kind === 'hello' ? undefined : why };
    }
  }

  #deserted(how: Departure): GreetResult {
    return this.result(how === 'reset' ? 'upstream-reset' : 'upstream-closed');
  }

  /** The rest of the HelloRetryRequest may come late, and its client waits for it. Returns how the upstream has left, if it has. */
  async #passAnswerOn(): Promise<Departure | undefined> {
    const room = MAX_RECORD_BYTES - this.#answerBytes;
    const said = room > 0 ? await this.#tunnel.upstream.read(room, performance.now()) : 'deadline';
    if (said === 'end' || said === 'reset') return said;
    if (said !== 'deadline') this.#sendDown(said);
    return undefined;
  }

  #sendDown(bytes: Uint8Array): void {
    this.#tunnel.client.write(bytes);
    this.#tunnel.onRelayed(0, bytes.length);
    this.#sentAt = performance.now();
    this.#answerBytes += bytes.length;
  }

  /** Sends whole records that are no hello: early data, and the change_cipher_spec of RFC 8446 §D.4. */
  #sendRecords(): 'hello' | 'other' | 'need-more' {
    const { records, rest, next } = takeRecordsBefore(this.#clientBytes);
    if (records.length > 0) {
      this.#tunnel.upstream.write(records);
      this.#tunnel.onRelayed(records.length, 0);
      this.#sentAt = performance.now();
      this.#recordBytes += records.length;
      this.#clientBytes = rest;
    }
    return next;
  }

  async #readMore(client: Leg, deadline: number): Promise<'bytes' | 'full' | 'end' | 'reset' | 'deadline'> {
    const roomBehind = this.#tunnel.limits.prereadLimitBytes + MAX_RECORD_BYTES - this.#clientBytes.length;
    const room = Math.min(roomBehind, MAX_RECORDS_BYTES - this.#recordBytes);
    if (room <= 0) return 'full';
    const more = await client.read(room, deadline);
    if (typeof more === 'string') return more;
    this.#clientBytes = Buffer.concat([this.#clientBytes, more]);
    return 'bytes';
  }
}

function isSameHost(one: HelloFacts, other: HelloFacts): boolean {
  return one.sni === other.sni && one.literal === other.literal;
}
