/** Which servers are worth asking first. */
import type { RecordType } from './answer.ts';
import type { NameServer, ServerReply } from './name-server.ts';

/** How long a server that was silent is asked only after the others. */
const SILENCE_REMEMBERED_MS = 30_000;

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

  async ask(name: string, type: RecordType): Promise<ServerReply> {
    const reply = await this.#server.ask(name, type);
    if (reply.kind === 'failed' && reply.reason === 'dns_timeout') return reply;
    this.#lastReplyAt = performance.now();
    this.#silentUntil = undefined;
    return reply;
  }

  /**
   * It has not answered a question of that moment. A server that answered another one since is alive: the name is slow.
   */
  missed(askedAt: number): void {
    if (this.#lastReplyAt < askedAt) this.#silentUntil ??= performance.now() + SILENCE_REMEMBERED_MS;
  }

  /** Asks a silent server once in a while whether it is back. */
  probe(name: string, type: RecordType): void {
    const now = performance.now();
    if (this.#silentUntil === undefined || now < this.#silentUntil) return;
    this.#silentUntil = now + SILENCE_REMEMBERED_MS;
    void this.ask(name, type);
  }

  close(): void {
    this.#server.close();
  }
}
