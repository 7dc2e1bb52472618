/** Several name servers, used as if they were one. */
import type { Address, DeadlineMs } from '@sallyport/tunnel-splice';
import type { RecordType } from './answer.ts';
import { createNameServer, type Inquiry } from './name-server.ts';
import { Question } from './question.ts';
import { ServerHealth } from './server-health.ts';

export interface NameServersOptions {
  /** The time-out of a look-up as a whole, whichever server answers it. */
  readonly timeoutMs: number;
  /**
   * The longest wait for one server before the next is queried too. Where it is left out or more than the even share of `timeoutMs`, that
   * share.
   */
  readonly tryMs?: number | undefined;
}

export interface NameServers {
  /** Resolves with the first valid answer, or the last failure. Ends at the deadline. */
  ask(name: string, type: RecordType, deadline: DeadlineMs): Inquiry;
  /** Cancels every open query. */
  close(): void;
}

/**
 * Queries the servers in their order. The next one is queried when the last has failed, or has not answered in its share of the time. A
 * late answer still counts, since the name may be slow and not the server.
 *
 * A server that sent nothing in its share is moved to the end of the order. After a while it is also sent one query for which no client
 * waits. Any answer moves it back.
 */
export function createNameServers(addresses: readonly Address[], options: NameServersOptions): NameServers {
  const servers = addresses.map((address) => new ServerHealth(createNameServer(address, options.timeoutMs)));
  const tryMs = Math.min(options.tryMs ?? Infinity, options.timeoutMs / Math.max(1, servers.length));
  return {
    ask: (name, type, deadline) => {
      for (const server of servers) server.probe(name, type);
      const order = [...servers.filter((each) => !each.isSilent), ...servers.filter((each) => each.isSilent)];
      return new Question(order, { name, type, tryMs, deadline });
    },
    close: () => {
      for (const server of servers) server.close();
    },
  };
}
