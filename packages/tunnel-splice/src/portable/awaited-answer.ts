/** An upstream's answer that is awaited before a client is joined to it. */
import { compareBeginning } from '../beginning.ts';
import type { AnswerGuard } from '../transport.ts';
import type { Alarm, Deadlines } from './deadlines.ts';
import type { PortableLeg } from './leg.ts';

interface AwaitedAnswerOptions {
  readonly client: PortableLeg;
  /** Has what goes up first. */
  readonly upstream: PortableLeg;
  readonly guard: AnswerGuard;
  readonly deadlines: Deadlines;
  /** Called once, unless it is forgotten before; perhaps from within the constructor. */
  readonly onTold: (outcome: Told) => void;
}

/** What is to become of both legs. `cancelled`: the client was closed by its holder. */
export type Told = 'join' | 'hand-back' | 'cancelled';

/** See {@link AnswerGuard}. */
export class AwaitedAnswer {
  readonly #options: AwaitedAnswerOptions;
  readonly #alarm: Alarm;

  constructor(options: AwaitedAnswerOptions) {
    this.#options = options;
    const { client, upstream, guard, deadlines } = options;
    this.#alarm = deadlines.at(performance.now() + guard.answerTimeoutMs, () => this.#tell('join'));
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

  /** What the upstream says tells more than what the client does. */
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
