/** Waits for the upstream's answer before a client is joined to it. */
import { compareBeginning } from '../beginning.ts';
import type { AnswerGuard, DeadlineMs } from '../transport.ts';
import type { Alarm, Deadlines } from './deadlines.ts';
import type { PortableLeg } from './leg.ts';

interface AwaitedAnswerOptions {
  readonly client: PortableLeg;
  /** The client's bytes are sent to it first. */
  readonly upstream: PortableLeg;
  readonly guard: AnswerGuard;
  /** The client is joined without an answer then. */
  readonly answerBy: DeadlineMs;
  readonly deadlines: Deadlines;
  /** Called once, unless the wait is forgotten before. It may be called from within the constructor. */
  readonly onTold: (outcome: Told) => void;
}

/** What happens with both legs. `cancelled`: the client was closed by its holder. */
export type Told = 'join' | 'hand-back' | 'cancelled';

/** See {@link AnswerGuard}. */
export class AwaitedAnswer {
  readonly #options: AwaitedAnswerOptions;
  readonly #alarm: Alarm;

  constructor(options: AwaitedAnswerOptions) {
    this.#options = options;
    const { client, upstream, answerBy, deadlines } = options;
    this.#alarm = deadlines.at(answerBy, () => this.#tell('join'));
    for (const leg of [client, upstream]) leg.whenStirred(() => this.#look());
    this.#look();
  }

  forget(): void {
    const { client, upstream, deadlines } = this.#options;
    deadlines.cancel(this.#alarm);
    for (const leg of [client, upstream]) leg.whenStirred(undefined);
  }

  #look(): void {
    const told = this.#judge();
    if (told !== undefined) this.#tell(told);
  }

  /** The upstream's bytes count before the client's. */
  #judge(): Told | undefined {
    const { client, upstream, guard } = this.#options;
    if (client.isOver) return 'cancelled';
    const likeness = compareBeginning(guard.beginning, upstream.ahead);
    if (likeness === 'same') return 'hand-back';
    if (likeness === 'other' || upstream.departure !== undefined) return 'join';
    if (client.ahead.length > 0) return 'hand-back';
    return client.departure === undefined ? undefined : 'join';
  }

  #tell(told: Told): void {
    this.forget();
    this.#options.onTold(told);
  }
}
