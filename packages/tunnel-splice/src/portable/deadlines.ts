/**
 * All deadlines of a transport on one timer: a hashed timing wheel.
 *
 * One Node.js timer per tunnel would be set again with every packet. Here each tunnel keeps the time of its last activity, and sets a new
 * alarm only when the old one rings too early. Far alarms stay in their slot and are skipped at each turn of the wheel.
 */
import { TICK_MS, type DeadlineMs } from '../transport.ts';

/** A turn of the wheel takes 51 s. A tunnel with an idle timeout of ten minutes is looked at a dozen times. */
const SLOTS = 1024;

/** A callback that is called once. */
export interface Alarm {
  readonly dueAt: DeadlineMs;
  readonly ring: () => void;
}

/** The wheel. Its interval runs only while there are alarms, and never keeps the process alive. */
export class Deadlines {
  readonly #slots: (Set<Alarm> | undefined)[] = [];
  #interval: NodeJS.Timeout | undefined;
  #waiting = 0;
  /** The last tick that was looked at. It is looked at again: an alarm that is due late in it was not yet due then. */
  #tick = 0;

  /** Calls `ring` at `dueAt` or up to {@link TICK_MS} later, never before. `Infinity` never rings. */
  at(dueAt: DeadlineMs, ring: () => void): Alarm {
    // A `dueAt` in the past is set to now. So an alarm lies in the slot of its `dueAt`, where `cancel` looks for it.
    const alarm: Alarm = { dueAt: Math.max(dueAt, performance.now()), ring };
    if (dueAt === Infinity) return alarm;
    this.#start();
    (this.#slots[slotOf(alarm.dueAt)] ??= new Set()).add(alarm);
    this.#waiting += 1;
    return alarm;
  }

  /** Forgets an alarm. Does nothing where it has rung or was cancelled before. */
  cancel(alarm: Alarm | undefined): void {
    if (alarm === undefined || alarm.dueAt === Infinity) return;
    if (this.#slots[slotOf(alarm.dueAt)]?.delete(alarm) === true) this.#forgetOne();
  }

  #start(): void {
    if (this.#interval !== undefined) return;
    this.#tick = tickOf(performance.now());
    this.#interval = setInterval(() => this.#turn(), TICK_MS).unref();
  }

  #turn(): void {
    const now = performance.now();
    const firstTick = this.#tick;
    this.#tick = tickOf(now);
    // After a long stall of the event loop one whole turn covers every slot.
    const ticks = Math.min(this.#tick - firstTick, SLOTS - 1);
    for (let tick = this.#tick - ticks; tick <= this.#tick; tick += 1) this.#ringDue(this.#slots[tick % SLOTS], now);
  }

  #ringDue(alarms: Set<Alarm> | undefined, now: DeadlineMs): void {
    if (alarms === undefined) return;
    for (const alarm of alarms) {
      if (alarm.dueAt > now) continue;
      alarms.delete(alarm);
      this.#forgetOne();
      alarm.ring();
    }
  }

  #forgetOne(): void {
    this.#waiting -= 1;
    if (this.#waiting > 0) return;
    clearInterval(this.#interval);
    this.#interval = undefined;
  }
}

const tickOf = (moment: DeadlineMs): number => Math.floor(moment / TICK_MS);
const slotOf = (moment: DeadlineMs): number => tickOf(moment) % SLOTS;
