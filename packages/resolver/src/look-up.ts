/** One look-up under way, and the clients that wait for it. */
import type { Answer, Waiting } from './answer.ts';
import type { FamilyReplies, NameReply } from './families.ts';
import { GIVEN_UP } from './name-server.ts';

/** Ends when both families have answered or failed, at its deadline, or when all clients have left before one was answered. */
export class LookUp {
  /** The final answer. Never rejects. */
  readonly whole: Promise<Answer>;
  readonly #replies: FamilyReplies;
  readonly #soon: Promise<Answer>;
  #waiting = 0;
  #isAnswered = false;
  #isAbandoned = false;

  /** @param remember turns the servers' reply into an answer, and stores it */
  constructor(replies: FamilyReplies, remember: (reply: NameReply) => Answer) {
    this.#replies = replies;
    this.whole = replies.whole.then((reply) => {
      this.#isAnswered = true;
      // No server has failed: nothing of it is stored, and no expired answer is used in its place.
      return this.#isAbandoned ? GIVEN_UP : remember(reply);
    });
    this.#soon = replies.half.then((half) => {
      if (!half) return this.whole;
      this.#isAnswered = true;
      const ask = (): Waiting<Answer> => this.wait('whole');
      return { kind: 'addresses', addresses: half.addresses, rest: { missing: half.missing, isUnderWay: true, ask } };
    });
  }

  /** Its queries were cancelled, so it must not be used any more. */
  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  /** @param what `soon`: half an answer is enough, once the other half is late */
  wait(what: 'soon' | 'whole'): Waiting<Answer> {
    this.#waiting += 1;
    return { done: what === 'soon' ? this.#soon : this.whole, cancel: () => this.#leave() };
  }

  #leave(): void {
    this.#waiting -= 1;
    // Once half of it was used, the other half is completed for the cache.
    if (this.#waiting > 0 || this.#isAnswered) return;
    this.#isAbandoned = true;
    this.#replies.abandon();
  }
}
