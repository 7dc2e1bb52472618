/** One look-up under way, and the clients that wait for it. */
import type { Answer, Waiting } from './answer.ts';
import type { FamilyReplies, NameReply } from './families.ts';

/** Ends when both families have answered or failed, at its deadline, or when all have left before anybody was answered. */
export class LookUp {
  /** All there is to know. Never rejects. */
  readonly whole: Promise<Answer>;
  readonly #replies: FamilyReplies;
  readonly #soon: Promise<Answer>;
  #waiting = 0;
  #isAnswered = false;
  #isAbandoned = false;

  /** @param remember turns all that the servers said into an answer, and keeps it */
  constructor(replies: FamilyReplies, remember: (reply: NameReply) => Answer) {
    this.#replies = replies;
    this.whole = replies.whole.then((reply) => {
      this.#isAnswered = true;
      return remember(reply);
    });
    this.#soon = replies.half.then((half) => {
      if (!half) return this.whole;
      this.#isAnswered = true;
      const ask = (): Waiting<Answer> => this.wait('whole');
      return { kind: 'addresses', addresses: half.addresses, rest: { missing: half.missing, isUnderWay: true, ask } };
    });
  }

  /** Nobody may wait for it any more: its questions were given up. */
  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  /** @param what `soon`: half an answer will do, once the other half is late */
  wait(what: 'soon' | 'whole'): Waiting<Answer> {
    this.#waiting += 1;
    return { done: what === 'soon' ? this.#soon : this.whole, cancel: () => this.#leave() };
  }

  #leave(): void {
    this.#waiting -= 1;
    // Once half of it has served, the other half is for the cache.
    if (this.#waiting > 0 || this.#isAnswered) return;
    this.#isAbandoned = true;
    this.#replies.abandon();
  }
}
