import { DialEnd } from '../dial-end.ts';
import type { Address, DeadlineMs, Dial, DialOptions, DialResult } from '../transport.ts';
import type { DataPlane } from './data-plane.ts';
import type { DialAnswer } from './event-reader.ts';
import { NativeLeg } from './leg.ts';
import type { Promised } from './promised.ts';
import { Slots } from '../slots.ts';
import type { Tunnels } from './tunnels.ts';
import { COMMAND, DIAL_OUTCOMES, NEVER, threadOf, toSpan } from './wire.ts';

const NO_BYTES = new Uint8Array(0);

/** One attempt, until its data thread has answered. */
class PendingDial extends DialEnd implements Dial {
  readonly address: Address;
  readonly startedAt: DeadlineMs = performance.now();
  readonly promised: Promised | undefined;
  token = -1;
  thread = -1;
  isCancelled = false;
  readonly #dials: Dials;

  constructor(dials: Dials, address: Address, promised: Promised | undefined) {
    super();
    this.#dials = dials;
    this.address = address;
    this.promised = promised;
  }

  cancel(): void {
    this.#dials.cancel(this);
  }

  answered(result: DialResult): void {
    this.settle(result);
  }
}

/** The attempts under way, by token. Each gets exactly one answer from its data thread. */
export class Dials {
  readonly #plane: DataPlane;
  readonly #tunnels: Tunnels;
  readonly #pending = new Slots<PendingDial>();

  constructor(plane: DataPlane, tunnels: Tunnels) {
    this.#plane = plane;
    this.#tunnels = tunnels;
  }

  start(address: Address, options: DialOptions): Dial {
    const promised = options.join && this.#tunnels.promise(options.join, options.answer !== undefined);
    const dial = new PendingDial(this, address, promised);
    dial.token = this.#pending.add(dial);
    dial.thread = this.#chooseThread(dial.token, options);
    this.#plane.opened();
    this.#send(dial, options);
    return dial;
  }

  /** The data thread's answer; {@link joined} is called where the dial has joined. */
  answered({ token, outcome, localHost, localPort, ...name }: DialAnswer): void {
    const dial = this.#pending.get(token);
    if (dial === undefined) return;
    const kind = DIAL_OUTCOMES[outcome] ?? 'exhausted';
    if (kind !== 'connected' && kind !== 'answered') {
      dial.promised?.dialFailed();
      this.#settle(dial, { kind: dial.isCancelled ? 'cancelled' : kind });
      return;
    }
    dial.promised?.handedBack();
    const leg = this.#plane.addLeg(name, dial.address, { host: localHost, port: localPort }, dial.startedAt);
    // It connected when it had just been cancelled here.
    if (dial.isCancelled) leg.reset();
    const connected = { kind: 'connected', leg, isAnswered: kind === 'answered' } as const;
    this.#settle(dial, dial.isCancelled ? { kind: 'cancelled' } : connected);
  }

  /** The promised tunnel is up. */
  joined(token: number, connectedNs: number): void {
    const dial = this.#pending.get(token);
    if (dial?.promised === undefined) return;
    const isWanted = dial.promised.joined(dial.address, this.#plane.toDeadline(connectedNs));
    this.#settle(dial, { kind: isWanted ? 'joined' : 'cancelled' });
  }

  stop(): void {
    // What their listeners do then must find the whole transport stopped.
    for (const dial of this.#pending) queueMicrotask(() => this.#settle(dial, { kind: 'cancelled' }));
  }

  #send({ token, thread, address: { host, port } }: PendingDial, options: DialOptions): void {
    const { sourceHost = '', join, preface = NO_BYTES, answer = NO_BYTES } = options;
    const client = join?.client;
    const isToJoin = client instanceof NativeLeg;
    this.#plane
      .begin(thread, COMMAND.dial, host.length + sourceHost.length + preface.length + answer.length)
      .word(token)
      .word(spanUntil(options.deadline))
      .word(port)
      .word(host.length)
      .word(sourceHost.length)
      .word(options.isSourceForeign ? 1 : 0)
      .word(isToJoin ? 1 : 0)
      .word(isToJoin ? client.place : 0)
      .word(isToJoin ? client.generation : 0)
      .word(options.isAnswerAwaited ? 1 : 0)
      .word(preface.length)
      .word(answer.length)
      .text(host)
      .text(sourceHost)
      .bytes(preface)
      .bytes(answer)
      .end();
  }

  /** The thread of the leg that this one will be spliced with; without such a hint, each thread in turn. */
  #chooseThread(token: number, { near, join }: DialOptions): number {
    const neighbour = join?.client ?? near;
    return neighbour instanceof NativeLeg ? threadOf(neighbour) : token % this.#plane.threads;
  }

  /** Its data thread still answers. */
  cancel(dial: PendingDial): void {
    if (dial.isCancelled || this.#pending.get(dial.token) !== dial) return;
    dial.isCancelled = true;
    this.#plane.begin(dial.thread, COMMAND.cancelDial).word(dial.token).end();
  }

  #settle(dial: PendingDial, result: DialResult): void {
    this.#pending.remove(dial.token);
    this.#plane.closed();
    dial.answered(result);
  }
}

/** A deadline as the data threads expect it: whole milliseconds from now. */
function spanUntil(deadline: DeadlineMs): number {
  return deadline === Infinity ? NEVER : toSpan(deadline - performance.now());
}
