/** The admin server for the life of the process: where it listens, and how a reload moves it. */
import { isDeepStrictEqual } from 'node:util';
import type { AdminConfig } from '@sallyport/config';
import { type AdminAddress, AdminListenError, type AdminServer, type Logger } from '@sallyport/telemetry';
import { FatalError } from '../exit.ts';
import { formatBind } from '../format-bind.ts';
import { fatalListenError } from '../listen-errors.ts';
import type { InheritedSockets } from '../sockets/inherited-sockets.ts';
import type { GiveWay } from '../sockets/open-listeners.ts';
import type { Sockets } from '../takeover/succession.ts';

/** What the server is started with. */
export interface AdminDoorOptions {
  /** Rejects with an {@link AdminListenError}. */
  readonly start: (bind: AdminAddress, passed: number | undefined) => Promise<AdminServer>;
  readonly inherited: InheritedSockets;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/**
 * A reload moves the server to another `admin.bind`, or keeps it; one whose path was removed gets it back. It ends with one call of `commit`
 * or `undo`.
 */
export interface AdminMove {
  /** Frees a port by closing the server there. False where the server has not got the port. */
  readonly giveWay: GiveWay;
  /** Opens the server at its new place. Rejects with a FatalError. */
  open(giveWay: GiveWay): Promise<void>;
  /** From now on the server is only at its new place. */
  commit(): Promise<void>;
  /** Restores everything. `undoOthers` runs while the server listens at neither place. */
  undo(undoOthers: () => Promise<void>): Promise<void>;
}

/** One for the life of the process. Its server is replaced when a reload moves it. */
export class AdminDoor {
  readonly #options: AdminDoorOptions;
  #server: AdminServer | undefined;
  #bind: AdminConfig['bind'] | undefined;

  constructor(options: AdminDoorOptions) {
    this.#options = options;
  }

  get address(): AdminAddress | undefined {
    return this.#server?.address;
  }

  /** Whether a predecessor has passed its socket. */
  isPassed({ bind }: AdminConfig): boolean {
    return this.#options.inherited.waiting.has(placeOf(bind));
  }

  /** Opens it for the first time. Rejects with a FatalError. */
  async open({ bind }: AdminConfig): Promise<void> {
    this.#server = await this.#start(bind, neverInTheWay);
    this.#bind = bind;
    this.#tellPlace();
  }

  /** Changes nothing yet. */
  move({ bind }: AdminConfig): AdminMove {
    const [from, fromBind] = [this.#server, this.#bind];
    const isMoving = !isDeepStrictEqual(bind, fromBind);
    const isLost = !isMoving && from?.isReachable() === false;
    let isFromOpen = true;
    const giveWay: GiveWay = async (port) => {
      if (!isMoving || !isFromOpen || from === undefined || !isAt(from.address, port)) return false;
      isFromOpen = false;
      await from.close();
      return true;
    };
    return {
      giveWay,
      open: async (othersGiveWay) => {
        if (isLost) await this.#reopen(bind);
        if (!isMoving) return;
        this.#server = await this.#start(bind, async (port) => (await giveWay(port)) || othersGiveWay(port));
        this.#bind = bind;
      },
      commit: async () => {
        if (this.#server === from) return;
        // Not when it is opened, for the reload may still be refused.
        this.#tellPlace();
        if (from === undefined) return;
        if (isLost) {
          void from.leave();
          return;
        }
        if (isFromOpen) await from.close();
        this.#options.log.info({ listener: 'admin', address: formatBind(from.address) }, 'no longer listening');
      },
      undo: async (undoOthers) => {
        if (this.#server !== from) await this.#server?.close();
        await undoOthers();
        this.#server = from !== undefined && !isFromOpen ? await this.#start(from.address, neverInTheWay) : from;
        this.#bind = fromBind;
      },
    };
  }

  /** Its socket, for a successor, which opens one of its own where no client can find this one. */
  socket(): Sockets {
    const [server, bind] = [this.#server, this.#bind];
    if (server?.socket === undefined || bind === undefined || !server.isReachable()) return new Map();
    return new Map([[placeOf(bind), [server.socket]]]);
  }

  /** Another process shares the socket, and serves it from now on. Resolves once the clients of this one have their answers. */
  async leave(): Promise<void> {
    await this.#server?.leave();
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  #tellPlace(): void {
    const { address } = this;
    if (address !== undefined) this.#options.log.info({ listener: 'admin', address: formatBind(address) }, 'listening');
  }

  /** The rest of a reload does not depend on it. */
  async #reopen(bind: AdminAddress): Promise<void> {
    try {
      this.#server = await this.#start(bind, neverInTheWay);
    } catch (cause) {
      if (!(cause instanceof FatalError)) throw cause;
      this.#options.log.warn({ listener: 'admin', detail: cause.message }, 'listener address lost');
    }
  }

  async #start(bind: AdminAddress, giveWay: GiveWay): Promise<AdminServer> {
    const { start, inherited } = this.#options;
    const place = placeOf(bind);
    const listen = (): Promise<AdminServer> => start(bind, inherited.waiting.get(place)?.[0]);
    try {
      const server = await listen().catch(async (cause: unknown) => {
        const isTaken = cause instanceof AdminListenError && cause.kind === 'in-use' && 'port' in bind;
        if (isTaken && (await giveWay(bind.port))) return listen();
        throw cause;
      });
      inherited.take(place);
      return server;
    } catch (cause) {
      throw fatalListenError('the admin server', cause, ['admin', 'bind']);
    }
  }
}

const neverInTheWay: GiveWay = () => Promise.resolve(false);

/** The name by which a successor finds its socket. */
function placeOf(bind: AdminAddress): string {
  return `admin ${formatBind(bind)}`;
}

function isAt(address: AdminAddress, port: number): boolean {
  return 'port' in address && address.port === port;
}
