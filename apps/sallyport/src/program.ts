/** The running program: services that live as long as the process, and doors that a reload replaces while tunnels are open. */
import type { Config } from '@sallyport/config';
import { type AdminAddress, type AdminRoute, type Logger, startAdminServer } from '@sallyport/telemetry';
import type { Address } from '@sallyport/tunnel-splice';
import { AdminDoor } from './admin/admin-door.ts';
import type { StatusReply } from './admin/api.ts';
import { TrafficHistory } from './admin/history.ts';
import { adminRoutes } from './admin/routes.ts';
import { tunnelsThatFit } from './descriptors.ts';
import { prepareToBecome } from './privileges.ts';
import { EXIT, FatalError } from './exit.ts';
import { cutTunnels, drainTunnels, leaveTunnels } from './drain.ts';
import { explainLogError } from './log-errors.ts';
import { isDeniedNow } from './judge-tunnel.ts';
import { recheckTunnels } from './recheck.ts';
import { findObstacle } from './reload.ts';
import { ServingDoors } from './serving-doors.ts';
import { createServices, type Services, updateServices } from './services.ts';
import { showSettings } from './show-settings.ts';
import type { Settings, SettingsResult } from './settings.ts';
import type { InheritedSockets } from './sockets/inherited-sockets.ts';
import type { ListenerExchange } from './sockets/open-listeners.ts';
import type { Sockets } from './takeover/succession.ts';

/** The running program, as signals and the banner use it. */
export interface Program {
  /** The addresses of each door. */
  openDoors(): readonly OpenDoor[];
  /** The address of the admin server. */
  adminAddress(): AdminAddress | undefined;
  /** Applies new settings to new connections, or changes nothing and says why. Both are counted. One reload at a time. */
  reload(next: SettingsResult): Promise<ReloadResult>;
  /** Closes the doors, lets live tunnels finish (at most `timeouts.drain`), then ends the rest. */
  drain(): Promise<void>;
  /** Ends all connections now. Each has its line in the log, unless that takes more than a moment. */
  cut(): Promise<void>;
  /** Its sockets, for a successor. */
  sockets(): Sockets;
  /** A successor serves: leaves the doors to it, lets live tunnels finish (at most `runtime.takeover_drain`), then ends the rest. */
  leave(): Promise<void>;
}

/** A door, and one of the addresses that it is bound to. */
export interface OpenDoor {
  readonly name: string;
  readonly address: Address;
}

/** Problems and warnings are lines for the log. */
export type ReloadResult =
  | { readonly kind: 'reloaded'; readonly warnings: readonly string[] }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

/**
 * Opens everything. On failure it rejects with a FatalError that names the cause, and leaves nothing open.
 * @param inherited sockets that are open already
 * @param ended rejects where it is to be given up, and so does this
 */
export async function startProgram(
  settings: Settings,
  log: Logger,
  inherited: InheritedSockets,
  ended: Promise<never>,
): Promise<Program> {
  const services = createServices(settings, log);
  const running = new Running(settings, services, inherited);
  try {
    await Promise.race([running.open(), ended]);
  } catch (cause) {
    await running.close();
    throw cause;
  }
  return running;
}

/** How long a start waits until it is known whether the store of shared limits answers. */
const STORE_PATIENCE_MS = 5_000;

class Running implements Program {
  readonly #services: Services;
  readonly #inherited: InheritedSockets;
  readonly #doors: ServingDoors;
  readonly #admin: AdminDoor;
  #state: StatusReply['state'] = 'starting';
  #lastReload: StatusReply['reload'];
  readonly #history: TrafficHistory;

  constructor(settings: Settings, services: Services, inherited: InheritedSockets) {
    this.#services = services;
    this.#inherited = inherited;
    this.#doors = new ServingDoors(settings, { services, inherited, adminAddress: () => this.#admin.address });
    const readiness = (): boolean => this.#state === 'ready';
    const { metrics, log } = services;
    this.#admin = new AdminDoor({
      start: (bind, passed) => startAdminServer({ bind, passed, metrics, log, readiness, routes: this.#adminRoutes() }),
      inherited,
      log,
    });
    metrics.onScrape(() => showSettings(this.#settings, services));
    this.#history = new TrafficHistory(
      () => metrics.read(),
      () => this.#settings.config.admin.status_page,
    );
  }

  get #settings(): Settings {
    return this.#doors.settings;
  }

  async open(): Promise<void> {
    const { config } = this.#settings;
    const dropPrivileges = this.#prepareToDropPrivileges();
    // What a predecessor has passed is taken last: its clients come here from then on, and nothing may fail any more.
    const isAdminPassed = this.#admin.isPassed(config.admin);
    if (!isAdminPassed) await this.#admin.open(config.admin);
    // Replicas that start together count together from their first client on, if possible.
    await this.#services.limitsStore?.whenKnown(STORE_PATIENCE_MS);
    const exchange = await this.#doors.prepare(this.#settings, () => Promise.resolve(false));
    dropPrivileges();
    await takePassed(exchange);
    if (isAdminPassed) await this.#admin.open(config.admin);
    await this.#doors.exchange(exchange, this.#settings);
    this.#inherited.closeUnwanted();
    this.#state = 'ready';
    this.#history.start();
    this.#warnOfFewDescriptors(config);
    this.#warnOfUnusedSockets();
    this.#services.log.info('ready');
  }

  /**
   * The returned function becomes `runtime.user`, where one is set, and gives that user what root has opened. Throws a FatalError where
   * that is not possible.
   */
  #prepareToDropPrivileges(): () => void {
    const { config, logOptions } = this.#settings;
    const { user } = config.runtime;
    if (user === null) return () => undefined;
    const { bind } = config.admin;
    const drop = prepareToBecome(user);
    return () => {
      drop({ socket: 'path' in bind ? bind.path : undefined, logFile: logOptions.file });
      this.#services.log.info({ user }, 'privileges dropped');
    };
  }

  #warnOfFewDescriptors({ limits: { tunnels } }: Config): void {
    const fit = tunnelsThatFit();
    if (fit === undefined || fit >= tunnels) return;
    const detail = `the limit on open files leaves room for ${fit} tunnels, fewer than limits.tunnels; raise it (LimitNOFILE, ulimit -n)`;
    this.#services.log.warn({ tunnels_that_fit: fit, limit: tunnels, detail }, 'few descriptors');
  }

  /** The kernel takes clients there as long as systemd has the socket open. */
  #warnOfUnusedSockets(): void {
    const names = this.#inherited.waitingNames;
    if (names.length === 0) return;
    const detail =
      `systemd passed sockets that no listener is bound to (${names.join(', ')}); clients that connect there wait in vain; ` +
      'bind a listener to systemd:NAME, or disable the socket unit';
    this.#services.log.warn({ detail }, 'unused sockets');
  }

  openDoors(): readonly OpenDoor[] {
    return this.#doors.open.map(({ wanted, listening }) => ({
      name: wanted.listener.name,
      address: listening.address,
    }));
  }

  adminAddress(): AdminAddress | undefined {
    return this.#admin.address;
  }

  async reload(next: SettingsResult): Promise<ReloadResult> {
    const result = next.kind === 'invalid' ? refused(next.problems) : await this.#apply(next.settings);
    const outcome = result.kind === 'reloaded' ? 'success' : 'failure';
    this.#services.metrics.configReloaded(outcome);
    const problems = result.kind === 'refused' ? [...result.problems] : [];
    this.#lastReload = { result: outcome, at: new Date().toISOString(), problems };
    return result;
  }

  async drain(): Promise<void> {
    this.#state = 'draining';
    await drainTunnels(this.#doors, this.#services, this.#settings.config);
    await this.close();
  }

  cut(): Promise<void> {
    return cutTunnels(this.#services);
  }

  sockets(): Sockets {
    const doors = this.#doors.open.map(({ wanted, listening }) => [wanted.place, listening.sockets] as const);
    return new Map([...this.#inherited.waiting, ...doors, ...this.#admin.socket()]);
  }

  async leave(): Promise<void> {
    // Whoever asked this process still asked about the address, which is served: it stays ready.
    const adminLeft = this.#admin.leave();
    await leaveTunnels(this.#doors, this.#services, this.#settings.config.runtime.takeover_drain);
    await adminLeft;
    await this.close();
  }

  async close(): Promise<void> {
    this.#history.stop();
    await this.#doors.close();
    await this.#admin.close();
    const { transport, authenticator, limitsStore } = this.#services;
    await Promise.all([transport.stop(), authenticator.close(), limitsStore?.close()]);
  }

  async #apply(settings: Settings): Promise<ReloadResult> {
    const { transport } = this.#services;
    const obstacle = findObstacle(this.#settings.config, settings.config, transport);
    if (obstacle !== undefined) return refused([settings.explain(obstacle)]);
    try {
      await this.#takeEffect(settings);
      if (settings.config.runtime.reload_tunnels === 'recheck') void this.#recheck(settings);
      return { kind: 'reloaded', warnings: settings.warnings };
    } catch (cause) {
      if (!(cause instanceof FatalError)) throw cause;
      const { message, path } = cause;
      return refused([path ? settings.explain({ path, message }) : settings.asWritten(message)]);
    }
  }

  async #recheck(settings: Settings): Promise<void> {
    const { ledger, log } = this.#services;
    const isCurrent = (): boolean => settings === this.#settings;
    const { checked, ended } = await recheckTunnels({
      ledger,
      isDenied: (facts) => isDeniedNow(facts, settings),
      isCurrent,
    });
    log.info({ tunnels: checked, ended }, 'live tunnels rechecked');
  }

  /** Everything that can fail comes first, and is undone where a later step fails. The last steps cannot fail. */
  async #takeEffect(settings: Settings): Promise<void> {
    const move = this.#admin.move(settings.config.admin);
    let exchange: ListenerExchange | undefined;
    try {
      // A listener and the admin server may exchange their ports.
      exchange = await this.#doors.prepare(settings, move.giveWay);
      await move.open(exchange.giveWay);
      this.#reconfigureLog(settings);
      await exchange.takePassed().catch((cause: unknown) => {
        this.#reconfigureLog(this.#settings);
        throw cause;
      });
    } catch (cause) {
      await move.undo(async () => exchange?.abandon());
      throw cause;
    }
    const before = this.#settings.config.limits.tunnels;
    updateServices(this.#services, this.#settings, settings);
    await this.#doors.exchange(exchange, settings);
    await move.commit();
    if (settings.config.limits.tunnels > before) this.#warnOfFewDescriptors(settings.config);
  }

  #reconfigureLog({ logOptions }: Settings): void {
    try {
      this.#services.log.reconfigure(logOptions);
    } catch (cause) {
      throw new FatalError(explainLogError(cause), EXIT.failure, cause, ['log', 'file']);
    }
  }

  #adminRoutes(): readonly AdminRoute[] {
    return adminRoutes({
      services: this.#services,
      history: this.#history,
      settings: () => this.#settings,
      state: () => this.#state,
      lastReload: () => this.#lastReload,
    });
  }
}

async function takePassed(exchange: ListenerExchange): Promise<void> {
  try {
    await exchange.takePassed();
  } catch (cause) {
    await exchange.abandon();
    throw cause;
  }
}

/** More are no line of a log that a collector takes, and the status page asks for them all the time. */
const MOST_PROBLEMS = 100;

function refused(problems: readonly string[]): ReloadResult {
  const more = problems.length - MOST_PROBLEMS;
  if (more <= 0) return { kind: 'refused', problems };
  return {
    kind: 'refused',
    problems: [...problems.slice(0, MOST_PROBLEMS), `there are ${more} more; sallyport check tells all`],
  };
}
