/** Several name servers, used as if they were one. */
import type { Address, DeadlineMs } from '@sallyport/tunnel-splice';
import type { RecordType } from './answer.ts';
import { createNameServer, type Inquiry } from './name-server.ts';
import { Question } from './question.ts';
import { ServerHealth } from './server-health.ts';

export interface NameServersOptions {
  /** For a look-up as a whole, whichever server answers it. */
  readonly timeoutMs: number;
  /** The longest a server is waited for alone; its even share of `timeoutMs` if left out or less. */
  readonly tryMs?: number | undefined;
}

export interface NameServers {
  /** The first answer that is one, or the last failure. Over at the deadline. */
  ask(name: string, type: RecordType, deadline: DeadlineMs): Inquiry;
  /** Gives up every question still open. */
  close(): void;
}

/**
 * Asks the servers in their order. The next one is asked when the last has failed, or has kept its share of the time to
 * itself; its answer still counts then, since a name may be slow where the server is not.
 *
 * A server that said nothing at all in its share goes to the end of the order. After a while one question is put to it
 * besides, for nobody to wait on; its first word brings it back.
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
