/** One attempt to reach one literal address. */
import type { Socket } from 'node:net';
import { DialEnd } from '../dial-end.ts';
import type { Address, AnswerGuard, DeadlineMs, Dial, DialOptions, JoinPlan } from '../transport.ts';
import { AwaitedAnswer, type Told } from './awaited-answer.ts';
import type { Alarm } from './deadlines.ts';
import { PortableLeg, type LegResources } from './leg.ts';
import { dialledSocket } from './node-socket.ts';
import { type DialFailure, dialFailureFrom } from './system-errors.ts';
import type { Tunnels } from './tunnels.ts';

const NOTHING = new Uint8Array(0);

interface DialResources extends LegResources {
  readonly tunnels: Tunnels;
}

/** See {@link Dial}. The first of connection, error, deadline and `cancel` settles it. */
export class PortableDial extends DialEnd implements Dial {
  readonly #resources: DialResources;
  readonly #address: Address;
  readonly #plan: JoinPlan | undefined;
  readonly #preface: Uint8Array | undefined;
  readonly #isAnswerDue: boolean;
  readonly #leg: PortableLeg;
  readonly #alarm: Alarm;
  #answer: AwaitedAnswer | undefined;
  #isDecided = false;
  /** Removes the listeners, so that a tunnel does not hold its dial in memory. */
  #forgetSocket: () => void = () => undefined;

  constructor(address: Address, options: DialOptions, resources: DialResources) {
    super();
    this.#resources = resources;
    this.#address = address;
    this.#plan = options.join;
    this.#preface = options.preface;
    this.#isAnswerDue = options.answer !== undefined;
    this.#leg = new PortableLeg(resources, (onread) => {
      const socket = dialledSocket(address, options.sourceHost, onread);
      this.#watch(socket, address.host);
      return socket;
    });
    this.#alarm = resources.deadlines.at(options.deadline, () => this.#fail('timeout'));
  }

  cancel(): void {
    this.#fail('cancelled');
  }

  #watch(socket: Socket, host: string): void {
    const onConnect = (): void => this.#connected();
    const onError = (error: Error): void => this.#fail(dialFailureFrom(error, host));
    // Destroyed without an error: the transport has stopped.
    const onClose = (): void => this.cancel();
    socket.on('connect', onConnect).on('error', onError).on('close', onClose);
    this.#forgetSocket = () => socket.off('connect', onConnect).off('error', onError).off('close', onClose);
  }

  #connected(): void {
    const leg = this.#leg;
    leg.keepUrgentInline();
    if (!leg.nameEnds()) this.#fail('reset');
    // Where no listener is on a port of the ephemeral range, the kernel may join a socket to itself (RFC 9293 §3.5, simultaneous open).
    else if (isSame(leg.local, leg.remote)) this.#fail('refused');
    // Waiting for the answer would save nothing here.
    else if (this.#plan === undefined || this.#isAnswerDue) this.#hand(leg);
    else this.#join(this.#plan);
  }

  #hand(leg: PortableLeg): void {
    if (this.#preface) leg.write(this.#preface);
    this.#handOver(leg);
  }

  #join(plan: JoinPlan): void {
    const { client } = plan;
    if (!(client instanceof PortableLeg && client.isJoinable)) {
      this.#fail('cancelled');
      return;
    }
    if (this.#preface) this.#leg.write(this.#preface);
    if (plan.guard) this.#awaitAnswer(client, plan, plan.guard);
    else this.#joinTo(client, plan, performance.now());
  }

  #awaitAnswer(client: PortableLeg, plan: JoinPlan, guard: AnswerGuard): void {
    const { clientBytes = NOTHING } = plan;
    const connectedAt = performance.now();
    this.#resources.deadlines.cancel(this.#alarm);
    this.#forgetSocket();
    const takenBytes = this.#leg.offer(clientBytes);
    if (takenBytes < clientBytes.length) this.#leg.write(clientBytes.subarray(takenBytes));
    const onTold = (told: Told): void => {
      if (told === 'join') this.#joinTo(client, plan, connectedAt, clientBytes.length);
      else if (told === 'hand-back') this.#handOver(this.#leg);
      else {
        plan.onUnjoined?.(clientBytes.length);
        this.#fail('cancelled');
      }
    };
    this.#answer = new AwaitedAnswer({
      client,
      upstream: this.#leg,
      answerBy: connectedAt + Math.min(guard.answerTimeoutMs, plan.idleTimeoutMs, plan.lifetimeMs),
      guard,
      deadlines: this.#resources.deadlines,
      onTold,
    });
  }

  #joinTo(client: PortableLeg, plan: JoinPlan, connectedAt: DeadlineMs, sentBytes = 0): void {
    this.#decide();
    client.write(plan.reply);
    // What was sent is not to be sent again.
    const rest = sentBytes > 0 ? { ...plan, clientBytes: undefined } : plan;
    const tunnel = this.#resources.tunnels.splice(client, this.#leg, rest, { upAt: connectedAt, sentBytes });
    plan.onUp(tunnel, this.#address, connectedAt);
    this.settle({ kind: 'joined' });
  }

  #fail(kind: DialFailure | 'cancelled'): void {
    if (this.#isDecided) return;
    this.#decide();
    this.#answer?.forget();
    this.#leg.stop();
    this.settle({ kind });
  }

  #handOver(leg: PortableLeg): void {
    this.#decide();
    this.settle({ kind: 'connected', leg });
  }

  /** Nothing that happens to the socket from here on changes the result. */
  #decide(): void {
    this.#isDecided = true;
    this.#resources.deadlines.cancel(this.#alarm);
    this.#forgetSocket();
  }
}

const isSame = (one: Address, other: Address): boolean => one.host === other.host && one.port === other.port;
