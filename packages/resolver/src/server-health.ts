/** Tracks which name servers answer, so that those are queried first. */
import type { RecordType } from './answer.ts';
import type { Inquiry, NameServer, ServerReply } from './name-server.ts';

/** How long a server that did not answer is queried only after the others. */
const SILENCE_REMEMBERED_MS = 30_000;

/** How long it may take to answer the query that probes whether it works again. */
const PROBE_MS = 1000;

/** One server and whether it is worth asking first. */
export class ServerHealth {
  readonly #server: NameServer;
  #lastReplyAt = -Infinity;
  #silentUntil: number | undefined;

  constructor(server: NameServer) {
    this.#server = server;
  }

  get isSilent(): boolean {
    return this.#silentUntil !== undefined;
  }

  ask(name: string, type: RecordType): Inquiry {
    const inquiry = this.#server.ask(name, type);
    let isAbandoned = false;
    void inquiry.reply.then((said) => {
      if (!isAbandoned) this.#heard(said);
    });
    return {
      reply: inquiry.reply,
      abandon: () => {
        isAbandoned = true;
        inquiry.abandon();
      },
    };
  }

  /** It has not answered a query that was sent at that moment. Where it has answered another one since, it works, and the name is slow. */
  missed(askedAt: number): void {
    if (this.#lastReplyAt < askedAt) this.#silentUntil ??= performance.now() + SILENCE_REMEMBERED_MS;
  }

  /** Sends a query to a silent server once in a while, to find out whether it works again. */
  probe(name: string, type: RecordType): void {
    const now = performance.now();
    if (this.#silentUntil === undefined || now < this.#silentUntil) return;
    this.#silentUntil = now + SILENCE_REMEMBERED_MS;
    const inquiry = this.ask(name, type);
    const patience = setTimeout(() => inquiry.abandon(), PROBE_MS);
    void inquiry.reply.then(() => clearTimeout(patience));
  }

  close(): void {
    this.#server.close();
  }

  #heard(said: ServerReply): void {
    if (said.kind === 'failed' && said.reason !== 'dns') return;
    this.#lastReplyAt = performance.now();
    this.#silentUntil = undefined;
  }
}
