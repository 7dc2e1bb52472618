/**
 * What is known of one tunnel, from accept to its one log line and its metrics.
 *
 * A record ends exactly once: in `ended` (the tunnel was up) or in `failed` (it never came up). Whatever it was told on the
 * way is in the line; what does not apply is left out.
 */
import type { ListenerMetrics, Logger, TunnelLine } from '@sallyport/telemetry';
import type { Leg, Splice, SpliceEnd, SpliceResult } from '@sallyport/tunnel-splice';
import { type Ip, parseIp } from '../addresses/ip.ts';
import { type Destination, destinationText } from '../destination.ts';
import type { Identified } from '../frontend.ts';
import type { HelloFacts } from '../hello-facts.ts';
import type { Decision } from '../policy/policy.ts';
import { type FailureOutcome, type RefusalReason, REFUSALS, type Stage, STAGES, type TunnelError } from '../reasons.ts';
import type { SniVerdict } from '../sni-check.ts';

/** Why we end a tunnel that is up, beyond its own deadlines. */
export type CutReason = 'drain';

/** How any tunnel ended: the same word in the log, the metrics and the tests. */
export type EndReason = RefusalReason | SpliceEnd<CutReason>;

/** The door that the client came in by, as far as a record tells of it. */
export interface RecordedDoor {
  readonly name: string;
  readonly mode: 'connect' | 'sni';
  readonly metrics: ListenerMetrics;
}

/** Who keeps the records of live tunnels. */
export interface RecordKeeper {
  /** As they are at the moment: a reload changes them. */
  readonly options: RecordOptions;
  /** A record's last act. */
  forget(record: TunnelRecord): void;
}

export interface RecordOptions {
  readonly log: Logger;
  /** Whether each tunnel's end is logged (`log.access`). */
  readonly logsAccess: boolean;
  /** How often a live tunnel logs its bytes so far, in milliseconds; Infinity: never (`log.progress`). */
  readonly progressMs: number;
}

interface Ending {
  readonly outcome: 'ok' | FailureOutcome;
  readonly reason: EndReason;
  readonly level: 'info' | 'warn' | 'error';
  readonly status: number | undefined;
}

/** Stands for a client whose address the transport could not tell (it left at once): in no network that a rule would trust. */
const UNSPECIFIED: Ip = { family: 6, text: '::', words: [0, 0, 0, 0] };

export class TunnelRecord {
  readonly id: string;
  readonly clientIp: Ip;
  readonly #client: Leg;
  readonly #door: RecordedDoor;
  readonly #metrics: ListenerMetrics;
  readonly #keeper: RecordKeeper;
  readonly #enteredAt: Partial<Record<Stage, number>> = {};
  readonly #openedAt = performance.now();
  #stage: Stage = 'admit';
  #release: (() => void) | undefined;
  #destination: Destination | undefined;
  #user: string | undefined;
  #hello: HelloFacts | undefined;
  #decision: Decision | undefined;
  #upstream: Leg | undefined;
  #splice: Splice<CutReason> | undefined;
  #progress: NodeJS.Timeout | undefined;
  #firstByteMs: number | undefined;
  #cutReason: CutReason | undefined;
  #remark: string | undefined;
  #bytesUp = 0;
  #bytesDown = 0;

  constructor(id: string, client: Leg, door: RecordedDoor, keeper: RecordKeeper) {
    this.id = id;
    this.clientIp = parseIp(client.remote.host) ?? UNSPECIFIED;
    this.#client = client;
    this.#door = door;
    this.#metrics = door.metrics;
    this.#keeper = keeper;
    this.#metrics.handshakeStarted();
  }

  enter(stage: Stage): void {
    this.#stage = stage;
    this.#enteredAt[stage] = performance.now();
  }

  /** Takes what gives the client's place in the limits back at the end. */
  admitted(release: () => void): void {
    this.#release = release;
  }

  /** Leaves the place in the limits to what outlives this record: a connection that goes on to further requests. */
  leavePlace(): () => void {
    const release = this.#release;
    this.#release = undefined;
    return () => release?.();
  }

  identified(identified: Identified): Identified {
    this.#destination = identified.destination;
    this.#user = identified.user;
    if (identified.hello) this.#greeted(identified.hello);
    return identified;
  }

  decided(decision: Decision): Decision {
    this.#decision = decision;
    this.#metrics.policyDecision(decision.rule, decision.decision);
    return decision;
  }

  /** Takes a sentence for the log: what was found amiss, and let pass. */
  remarked(remark: string): void {
    this.#remark = remark;
  }

  /** Takes the outcome of the cross-check, if there was one. */
  verified(verdict: SniVerdict | undefined): SniVerdict | undefined {
    if (verdict?.hello) this.#greeted(verdict.hello);
    return verdict;
  }

  /** The tunnel is up: from here its bytes are counted. */
  relaying(upstream: Leg, splice: Splice<CutReason>): Splice<CutReason> {
    this.#upstream = upstream;
    this.#splice = splice;
    this.#metrics.handshakeEnded();
    this.#metrics.tunnelUp();
    const { progressMs } = this.#keeper.options;
    if (Number.isFinite(progressMs)) this.#progress = setInterval(() => this.#logProgress(), progressMs).unref();
    return splice;
  }

  /** The tunnel is up, and its end is the record's. */
  follow(upstream: Leg, splice: Splice<CutReason>, status: number | undefined): void {
    this.relaying(upstream, splice);
    void splice.done.then((result) => this.ended(result, status));
  }

  /** @param status what the client was answered with, where that was HTTP */
  ended(result: SpliceResult<CutReason>, status: number | undefined): void {
    clearInterval(this.#progress);
    const upAt = this.#leftAt('dial');
    if (result.firstByteAt !== undefined && upAt !== undefined) this.#firstByteMs = result.firstByteAt - upAt;
    this.countBytes();
    this.#metrics.tunnelDown();
    this.#end({ outcome: 'ok', reason: result.end, level: 'info', status });
  }

  failed(error: TunnelError, status: number | undefined): void {
    this.#metrics.handshakeEnded();
    if (error.hello) this.#greeted(error.hello);
    const reason = this.#cutReason ?? error.reason;
    const { outcome, level } = REFUSALS[reason];
    this.#end({ outcome, reason, level, status }, error);
  }

  /** Ends the tunnel, or the attempt at one, for a reason of ours. */
  cut(reason: CutReason): void {
    this.#cutReason = reason;
    if (this.#splice) this.#splice.cut(reason);
    else this.#client.close();
  }

  /** Adds the bytes that have flowed since the last call to `bytes_total`. */
  countBytes(): void {
    if (!this.#splice) return;
    const { bytesUp, bytesDown } = this.#splice.counts();
    this.#metrics.bytes(bytesUp - this.#bytesUp, bytesDown - this.#bytesDown);
    this.#bytesUp = bytesUp;
    this.#bytesDown = bytesDown;
  }

  #greeted(hello: HelloFacts): void {
    this.#hello = hello;
    this.#metrics.clientHello(hello.tls, hello.ech);
  }

  #end(ending: Ending, error?: TunnelError): void {
    this.#release?.();
    this.#keeper.forget(this);
    const endedAt = performance.now();
    this.#observe(ending, endedAt);
    const { log, logsAccess } = this.#keeper.options;
    if (error?.reason === 'internal') log.error({ id: this.id, err: error.cause }, 'internal error');
    if (logsAccess) log[ending.level](this.#line(ending, endedAt, error), 'tunnel');
  }

  #observe(ending: Ending, endedAt: number): void {
    this.#metrics.tunnelEnded(ending.outcome, ending.reason, (endedAt - this.#openedAt) / 1000);
    const resolveMs = this.#resolveMs(endedAt);
    if (resolveMs !== undefined) this.#metrics.resolved(resolveMs / 1000);
    const connectMs = this.#spent('dial', endedAt);
    if (connectMs !== undefined) this.#metrics.connected(connectMs / 1000);
    if (this.#firstByteMs !== undefined) this.#metrics.firstByte(this.#firstByteMs / 1000);
  }

  /** Spelled out as one literal: objects put together by spreading cost fifty microseconds a line, most of it in the collector. */
  #line(ending: Ending, endedAt: number, error?: TunnelError): TunnelLine {
    const destination = this.#destination;
    const hello = this.#hello;
    return {
      id: this.id,
      listener: this.#door.name,
      mode: this.#door.mode,
      client: this.clientIp.text,
      client_port: this.#client.remote.port,
      user: this.#user,
      host: destination?.host,
      port: destination?.port,
      sni: hello?.sni,
      alpn: hello && hello.alpn.length > 0 ? hello.alpn : undefined,
      tls: hello?.tls,
      ech: hello?.ech,
      original: this.#client.original && destinationText(this.#client.original),
      rule: this.#decision?.rule,
      decision: this.#verdict(ending.reason),
      egress: this.#enteredAt.dial === undefined ? undefined : 'direct',
      upstream: this.#upstream && destinationText(this.#upstream.remote),
      bytes_up: this.#bytesUp,
      bytes_down: this.#bytesDown,
      resolve_ms: inMicroseconds(this.#resolveMs(endedAt)),
      connect_ms: inMicroseconds(this.#spent('dial', endedAt)),
      first_byte_ms: inMicroseconds(this.#firstByteMs),
      duration_ms: inMicroseconds(endedAt - this.#openedAt),
      status: ending.status,
      outcome: ending.outcome,
      reason: ending.reason,
      stage: error && this.#stage,
      detail: error?.message ?? this.#remark,
    };
  }

  #logProgress(): void {
    this.countBytes();
    this.#keeper.options.log.info(
      {
        id: this.id,
        listener: this.#door.name,
        mode: this.#door.mode,
        client: this.clientIp.text,
        user: this.#user,
        host: this.#destination?.host,
        port: this.#destination?.port,
        bytes_up: this.#bytesUp,
        bytes_down: this.#bytesDown,
        duration_ms: inMicroseconds(performance.now() - this.#openedAt),
      },
      'progress',
    );
  }

  /** A refusal by address is a denial too, whatever the rules said. */
  #verdict(reason: EndReason): TunnelLine['decision'] {
    return reason === 'address' || reason === 'loop' ? 'deny' : this.#decision?.decision;
  }

  /** How long the name took; a literal has nothing to resolve. */
  #resolveMs(endedAt: number): number | undefined {
    return this.#destination?.kind === 'name' ? this.#spent('resolve', endedAt) : undefined;
  }

  /** Milliseconds from entering a stage to entering the next, or to the end where it never came to that. */
  #spent(stage: Stage, endedAt: number): number | undefined {
    const from = this.#enteredAt[stage];
    return from === undefined ? undefined : (this.#leftAt(stage) ?? endedAt) - from;
  }

  #leftAt(stage: Stage): number | undefined {
    for (let next = STAGES.indexOf(stage) + 1; next < STAGES.length; next += 1) {
      const at = this.#enteredAt[STAGES[next] ?? stage];
      if (at !== undefined) return at;
    }
    return undefined;
  }
}

function inMicroseconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1000) / 1000;
}
