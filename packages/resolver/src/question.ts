/** One query, which is sent to one name server after another until one answers. */
import type { DeadlineMs } from '@sallyport/tunnel-splice';
import { type Failure, moreTelling, type RecordType } from './answer.ts';
import { GIVEN_UP, type Inquiry, type ServerReply } from './name-server.ts';
import type { ServerHealth } from './server-health.ts';

export interface QuestionOptions {
  readonly name: string;
  readonly type: RecordType;
  /** How long one server is waited for before the next one is queried too. */
  readonly tryMs: number;
  readonly deadline: DeadlineMs;
}

/** Ends at the first answer of any server, when every server has failed, or at its deadline. No server is queried after that. */
export class Question implements Inquiry {
  readonly reply: Promise<ServerReply>;
  readonly #servers: readonly ServerHealth[];
  readonly #options: QuestionOptions;
  readonly #timeout: NodeJS.Timeout;
  readonly #open = new Set<Inquiry>();
  #tryOver: NodeJS.Timeout | undefined;
  #settle: ((reply: ServerReply) => void) | undefined;
  #asked = 0;
  #failure: Failure = { kind: 'failed', reason: 'dns_timeout', detail: 'no name server answered in time' };

  /** @param servers in the order in which they are queried */
  constructor(servers: readonly ServerHealth[], options: QuestionOptions) {
    this.#servers = servers;
    this.#options = options;
    this.reply = new Promise((resolve) => (this.#settle = resolve));
    this.#timeout = setTimeout(() => this.#finish(this.#failure), options.deadline - performance.now());
    this.#askNext();
  }

  abandon(): void {
    this.#finish(GIVEN_UP);
  }

  #askNext(): void {
    clearTimeout(this.#tryOver);
    const server = this.#servers[this.#asked];
    if (!server) {
      if (this.#open.size === 0) this.#finish(this.#failure);
      return;
    }
    const turn = ++this.#asked;
    const askedAt = performance.now();
    const inquiry = server.ask(this.#options.name, this.#options.type);
    this.#open.add(inquiry);
    void inquiry.reply.then((reply) => {
      this.#open.delete(inquiry);
      if (this.#settle) this.#replied(reply, turn);
    });
    this.#tryOver = setTimeout(() => {
      server.missed(askedAt);
      this.#askNext();
    }, this.#options.tryMs);
  }

  #replied(reply: ServerReply, turn: number): void {
    if (reply.kind !== 'failed') {
      this.#finish(reply);
      return;
    }
    this.#failure = moreTelling(reply, this.#failure);
    // A failure during the time of the next server does not shorten that time.
    if (turn === this.#asked || this.#open.size === 0) this.#askNext();
  }

  #finish(reply: ServerReply): void {
    clearTimeout(this.#tryOver);
    clearTimeout(this.#timeout);
    this.#settle?.(reply);
    this.#settle = undefined;
    for (const inquiry of this.#open) inquiry.abandon();
  }
}
