/**
 * The facts of one connection while its tunnel is being set up, or while its request is answered.
 *
 * A record ends exactly once. Its tunnel `isUp`, and the facts go to the list of live tunnels; or it has `ended`, as a request does; or
 * it has `failed`. The one log line holds all facts that were recorded. Those that do not apply are left out.
 */
import { type Ip, parseIp } from '@sallyport/addresses';
import type { Decision, Destination } from '@sallyport/policy';
import type { Address, DeadlineMs, Leg, TunnelCounts, TunnelEnd, TunnelNumber } from '@sallyport/tunnel-splice';
import type { Identified } from '../frontend.ts';
import type { HelloFacts } from '../hello-facts.ts';
import { REFUSALS, type Stage, type TunnelError } from '../reasons.ts';
import type { SniVerdict } from '../sni-check.ts';
import type { Denials } from './denials.ts';
import { type HellosUnderWay, NO_PLACE } from './hellos-under-way.ts';
import type { AccountKeeper, LiveTunnel, LiveTunnels } from './live-tunnels.ts';
import {
  CUT_SHORT,
  type CutReason,
  type Ending,
  type RecordedDoor,
  type TunnelFacts,
  untilFirstByte,
} from './tunnel-facts.ts';

/** The keeper of the records of live connections. */
export interface RecordKeeper extends AccountKeeper {
  /** The last call of a record. */
  forget(record: TunnelRecord): void;
  logFault(number: number, cause: unknown): void;
  idOf(number: number): string;
  readonly hellos: HellosUnderWay;
  readonly denials: Pick<Denials, 'reported'>;
}

/** What relays for a request of plain HTTP, in place of the transport. Exact at any moment. */
export interface Relay {
  counts(): TunnelCounts;
  cut(reason: CutReason): void;
}

export interface RelayResult extends TunnelCounts {
  readonly end: Exclude<TunnelEnd, 'cut'> | CutReason;
  readonly firstByteAt?: DeadlineMs;
}

/** Stands for a client that left before the transport knew its address. No network of a rule contains it. */
const UNSPECIFIED: Ip = { family: 6, text: '::', words: [0, 0, 0, 0] };

export class TunnelRecord implements TunnelFacts, LiveTunnel {
  readonly number: number;
  readonly door: RecordedDoor;
  readonly clientIp: Ip;
  readonly client: Address;
  readonly openedAt: DeadlineMs;
  /** Its number at its keeper. */
  slot = -1;
  hasPlace = false;
  user: string | undefined;
  destination: Destination | undefined;
  hello: HelloFacts | undefined;
  helloPlace = NO_PLACE;
  decision: Decision | undefined;
  hasDialled = false;
  egress: string | undefined;
  upstream: Address | undefined;
  resolveMs: number | undefined;
  connectMs: number | undefined;
  upAt: DeadlineMs | undefined;
  status: number | undefined;
  remark: string | undefined;
  isLogged = false;
  readonly #leg: Leg;
  readonly #keeper: RecordKeeper;
  #stage: Stage = 'admit';
  #enteredAt = 0;
  #relay: Relay | undefined;
  #progress: NodeJS.Timeout | undefined;
  #cutReason: CutReason | undefined;
  #bytesUp = 0;
  #bytesDown = 0;

  constructor({ number, client, door, openedAt }: RecordOrigin, keeper: RecordKeeper) {
    const { host, port } = client.remote;
    this.number = number;
    this.clientIp = parseIp(host) ?? UNSPECIFIED;
    this.client = { host: this.clientIp.text, port };
    this.door = door;
    this.openedAt = openedAt;
    this.#leg = client;
    this.#keeper = keeper;
    door.metrics.handshakeStarted();
  }

  get id(): string {
    return this.#keeper.idOf(this.number);
  }

  get listener(): string {
    return this.door.name;
  }

  /** The client has left with an RST, and the kernel has forgotten its address. */
  get isClientUnknown(): boolean {
    // A balancer may name any address.
    if (this.#leg.introduction?.remote !== undefined) return false;
    return this.clientIp.text === UNSPECIFIED.text && this.client.port === 0;
  }

  /** It is a request that is relayed, and was not told to end. */
  get isRelaying(): boolean {
    return this.#relay !== undefined && this.#cutReason === undefined;
  }

  /** We have ended it, for a reason of ours. */
  get isCut(): boolean {
    return this.#cutReason !== undefined;
  }

  get bytesUp(): number {
    return this.#relay?.counts().bytesUp ?? this.#bytesUp;
  }

  get bytesDown(): number {
    return this.#relay?.counts().bytesDown ?? this.#bytesDown;
  }

  facts(): TunnelFacts {
    return this;
  }

  mentions(text: string): boolean {
    const { client, destination, upstream, user, decision, door } = this;
    const texts = [client.host, destination?.host, upstream?.host, user, decision?.rule, door.name];
    return texts.some((each) => each?.includes(text));
  }

  get original(): Address | undefined {
    return this.#leg.original;
  }

  enter(stage: Stage): void {
    // Only the times of these stages are logged, and the clock is read no more than needed.
    const isTimed = stage === 'resolve' || stage === 'dial' || this.#stage === 'resolve' || this.#stage === 'dial';
    const now = isTimed ? performance.now() : 0;
    this.#leaveStage(now);
    this.#stage = stage;
    this.#enteredAt = now;
  }

  /** It has a place in the limits, which is given back at its end. */
  admitted(): void {
    this.hasPlace = true;
  }

  /** The place in the limits belongs to its connection, which goes on. */
  leavePlace(): void {
    this.hasPlace = false;
  }

  identified(identified: Identified): Identified {
    this.destination = identified.destination;
    this.user = identified.user;
    if (identified.hello) this.#greeted(identified.hello);
    return identified;
  }

  decided(decision: Decision): Decision {
    this.decision = decision;
    countDecision(this.door.metrics, decision);
    return decision;
  }

  /** The name of the egress that is tried. */
  leavesBy(egress: string): void {
    this.egress = egress;
  }

  /** Its hello, if it has one, is about to be sent up. Throws `loop` where that has come back to us. */
  greets(hello: HelloFacts | undefined): void {
    if (hello) this.helloPlace = this.#keeper.hellos.enter(hello.random);
  }

  /** A sentence for the log on a fault that did not end the tunnel. */
  remarked(remark: string): void {
    this.remark = remark;
  }

  /** The destination that a client asked for, where it is refused before it is identified. */
  asked(destination: Destination | undefined): void {
    this.destination ??= destination;
  }

  /** The result of the cross-check, if there was one. */
  verified(verdict: SniVerdict | undefined): SniVerdict | undefined {
    if (verdict?.hello) this.#greeted(verdict.hello);
    if (verdict?.remark !== undefined) this.remarked(verdict.remark);
    return verdict;
  }

  /** Bytes were relayed before the tunnel was spliced. */
  carry(bytesUp: number, bytesDown: number): void {
    this.#bytesUp += bytesUp;
    this.#bytesDown += bytesDown;
    this.door.metrics.bytes(bytesUp, bytesDown);
  }

  /** Without the head of a request that has become a tunnel: that counts for the request, as the head of a CONNECT does. */
  get carried(): TunnelCounts | undefined {
    return this.#relay === undefined && this.#bytesUp > 0 ? this.#counts() : undefined;
  }

  /** The tunnel is up, and `tunnels` reports its end. */
  isUp(tunnels: LiveTunnels, tunnel: TunnelNumber, up: Up): void {
    this.#leaveStage(up.at ?? performance.now());
    this.upstream = up.upstream;
    this.status = up.status;
    this.#endSetUp();
    if (!this.#relay) this.#passed();
    tunnels.isUp(tunnel, this);
    this.#keeper.forget(this);
  }

  /** A request is sent up. From here on its bytes are counted, however it ends. */
  relaying(upstream: Leg, relay: Relay): void {
    this.upstream = upstream.remote;
    this.#relay = relay;
    this.#passed();
    this.door.metrics.handshakeEnded();
    this.door.metrics.tunnelUp();
    const { progressMs } = this.#keeper;
    if (progressMs === Infinity) return;
    this.#keeper.logOpen(this);
    this.isLogged = true;
    this.#progress = setInterval(() => this.#logProgress(), progressMs).unref();
  }

  /** @param status the HTTP status that the client got */
  ended({ end, firstByteAt }: RelayResult, status: number | undefined): void {
    this.status = status;
    this.#endSetUp();
    const firstByteMs = untilFirstByte(firstByteAt, this.upAt);
    this.#close({
      ...this.#counts(),
      outcome: 'ok',
      reason: end,
      level: 'info',
      endedAt: performance.now(),
      firstByteMs,
    });
  }

  /**
   * @param status the HTTP status that the client got, where the answer was HTTP
   * @param firstByteAt left out where nothing of the upstream has reached the client
   */
  failed(error: TunnelError, status: number | undefined, firstByteAt?: DeadlineMs): void {
    const endedAt = performance.now();
    this.#leaveStage(endedAt);
    this.#endSetUp();
    if (error.hello) this.#greeted(error.hello);
    this.user ??= error.claimedUser;
    this.upstream ??= error.upstream;
    this.status = status;
    const reason = this.#cutReason ?? error.reason;
    if (error.reason === 'internal') this.#keeper.logFault(this.number, error.cause);
    const { outcome: usual, level } = REFUSALS[reason];
    const outcome = reason === error.reason ? (error.outcome ?? usual) : usual;
    // What we refuse for another reason would not have passed without `report_only` either.
    if (outcome === 'failed' && !this.#relay) this.#passed();
    // To the step that was under way a cut looks as if the client had left.
    const where = { stage: this.#stage, detail: reason === error.reason ? error.detail : CUT_SHORT };
    const firstByteMs = untilFirstByte(firstByteAt, this.upAt);
    this.#close({ ...this.#counts(), ...where, outcome, reason, level, endedAt, firstByteMs });
  }

  /** Ends the request, or the set-up of a tunnel, for a reason of ours. */
  cut(reason: CutReason): void {
    if (this.#cutReason !== undefined) return;
    this.#cutReason = reason;
    if (this.#relay) this.#relay.cut(reason);
    else this.#leg.close();
  }

  /** Adds the bytes that have flowed since the last call to `bytes_total`. */
  countBytes(): void {
    if (!this.#relay) return;
    const { bytesUp, bytesDown } = this.#relay.counts();
    this.door.metrics.bytes(bytesUp - this.#bytesUp, bytesDown - this.#bytesDown);
    this.#bytesUp = bytesUp;
    this.#bytesDown = bytesDown;
  }

  /** Nothing of ours has refused it. Called once. */
  #passed(): void {
    const { decision } = this;
    if (decision?.wouldDeny === undefined || decision.decision !== 'report') return;
    this.#keeper.denials.reported(this, decision.wouldDeny);
  }

  /** Or the relaying, where it is a request. */
  #endSetUp(): void {
    clearInterval(this.#progress);
    if (!this.#relay) {
      this.door.metrics.handshakeEnded();
      return;
    }
    this.countBytes();
    this.door.metrics.tunnelDown();
  }

  #greeted(hello: HelloFacts): void {
    // The cross-check, or the refusal of a hello, may report one that was counted before.
    if (this.hello === undefined) this.door.metrics.clientHello(hello.tls, hello.ech);
    this.hello = hello;
  }

  #close(ending: Ending): void {
    this.#keeper.forget(this);
    this.#keeper.close(this, ending);
  }

  #counts(): TunnelCounts {
    return { bytesUp: this.#bytesUp, bytesDown: this.#bytesDown };
  }

  /** The time of the look-up, which a literal does not have, and of the dial, all attempts together. A list of egresses has several. */
  #leaveStage(now: DeadlineMs): void {
    // The two moments may be of two threads, whose clocks agree to about a millisecond.
    const tookMs = Math.max(0, now - this.#enteredAt);
    if (this.#stage === 'resolve' && this.destination?.kind === 'name') this.resolveMs = (this.resolveMs ?? 0) + tookMs;
    if (this.#stage !== 'dial') return;
    this.hasDialled = true;
    this.connectMs = (this.connectMs ?? 0) + tookMs;
    this.upAt = now;
  }

  #logProgress(): void {
    this.countBytes();
    this.#keeper.logProgress(this, this.#bytesUp, this.#bytesDown);
  }
}

/** Counts the rule that decided and, where that is another one, the rule that would have denied and only reports. */
export function countDecision(metrics: RecordedDoor['metrics'], { rule, wouldDeny, ruled, decision }: Decision): void {
  metrics.policyDecision(rule, ruled ?? decision);
  if (wouldDeny !== undefined && wouldDeny !== rule) metrics.policyDecision(wouldDeny, 'report');
}

/** What is known of a connection when its record begins. */
export interface RecordOrigin {
  readonly number: number;
  readonly client: Leg;
  readonly door: RecordedDoor;
  readonly openedAt: DeadlineMs;
}

interface Up {
  readonly upstream: Address;
  /** When the upstream was connected; left out where that was recorded before. */
  readonly at?: DeadlineMs;
  readonly status: number | undefined;
}
