/** Sallyport as it runs: services that live as long as the process, and doors, which a reload exchanges under live traffic. */
import { parseIp } from '@sallyport/addresses';
import type { ListenerConfig } from '@sallyport/config';
import { type AdminRoute, type AdminServer, type Logger, startAdminServer } from '@sallyport/telemetry';
import { type Door, serveTunnel } from '@sallyport/tunnel-server';
import type { Address, Introduction, Leg, Listening, ListenOptions, TlsIdentity } from '@sallyport/tunnel-splice';
import type { StatusReply } from './admin/api.ts';
import { TrafficHistory } from './admin/history.ts';
import { adminRoutes } from './admin/routes.ts';
import { tunnelsThatFit } from './descriptors.ts';
import { openDoors } from './doors.ts';
import { dropPrivileges } from './privileges.ts';
import { requireEngine } from './engine.ts';
import { drainTunnels } from './drain.ts';
import { fatalListenError, formatAddress, formatBind } from './listen-errors.ts';
import { findUnchangeable } from './reload.ts';
import { createServices, type Services, updateServices } from './services.ts';
import { showSettings } from './show-settings.ts';
import type { Settings, SettingsResult } from './settings.ts';
import { type Place, placesOf, readPassedSockets } from './systemd/passed-sockets.ts';

export interface Program {
  /** Puts new settings into force for new connections, or changes nothing and says why not. Counts either. */
  reload(next: SettingsResult): ReloadResult;
  /** Closes the doors, lets live tunnels finish (at most `timeouts.drain`), then ends the rest. */
  drain(): Promise<void>;
}

export type ReloadResult =
  | { readonly kind: 'reloaded'; readonly warnings: readonly string[] }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

/** Opens everything. Rejects with a FatalError that names what is in the way, with nothing left open. */
export async function startProgram(settings: Settings, log: Logger): Promise<Program> {
  const services = createServices(settings, log);
  const running = new Running(settings, services);
  try {
    await running.open();
  } catch (cause) {
    await running.close();
    throw cause;
  }
  return running;
}

class Running implements Program {
  readonly #services: Services;
  readonly #open: OpenListener[] = [];
  #settings: Settings;
  #doors: ReadonlyMap<string, Door>;
  #admin: AdminServer | undefined;
  #state: StatusReply['state'] = 'starting';
  #lastReload: StatusReply['reload'];
  readonly #history: TrafficHistory;

  constructor(settings: Settings, services: Services) {
    this.#settings = settings;
    this.#services = services;
    this.#doors = openDoors(settings, services);
    services.metrics.onScrape(() => showSettings(this.#settings, services));
    this.#history = new TrafficHistory(
      () => services.metrics.read(),
      () => this.#settings.config.admin.status_page,
    );
  }

  async open(): Promise<void> {
    const { config } = this.#settings;
    const { log } = this.#services;
    await this.#openAdmin();
    const passed = readPassedSockets(process.env, process.pid);
    for (const listener of config.listeners) {
      const { name, mode } = listener;
      requireEngine(listener, this.#services.transport);
      for (const place of listener.bind.flatMap((bind) => placesOf(bind, passed))) {
        const bound = await this.#listen(listener, place);
        log.info({ listener: name, mode, address: formatAddress(bound) }, 'listening');
      }
    }
    this.#dropPrivileges();
    // Once more, now that every port is known: a refusal may name another door.
    this.#doors = openDoors(this.#settings, this.#services);
    this.#state = 'ready';
    this.#history.start();
    this.#warnOfFewDescriptors();
    log.info('ready');
  }

  /** What later reloads need has to be there for the user too: it says what is not. */
  #dropPrivileges(): void {
    const { user } = this.#settings.config.runtime;
    if (user === null) return;
    const address = this.#admin?.address;
    dropPrivileges(user, address && 'path' in address ? [address.path] : []);
    this.#services.log.info({ user }, 'privileges dropped');
  }

  #warnOfFewDescriptors(): void {
    const { tunnels } = this.#settings.config.limits;
    const fit = tunnelsThatFit();
    if (fit === undefined || fit >= tunnels) return;
    const detail = `the limit on open files leaves room for ${fit} tunnels, fewer than limits.tunnels; raise it (LimitNOFILE, ulimit -n)`;
    this.#services.log.warn({ tunnels_that_fit: fit, limit: tunnels, detail }, 'few descriptors');
  }

  reload(next: SettingsResult): ReloadResult {
    const result = this.#apply(next);
    const outcome = result.kind === 'reloaded' ? 'success' : 'failure';
    this.#services.metrics.configReloaded(outcome);
    const problems = result.kind === 'refused' ? [...result.problems] : [];
    this.#lastReload = { result: outcome, at: new Date().toISOString(), problems };
    return result;
  }

  async drain(): Promise<void> {
    this.#state = 'draining';
    await drainTunnels(this.#listenings(), this.#services, this.#settings.config.timeouts.drain);
    await this.close();
  }

  async close(): Promise<void> {
    this.#history.stop();
    await Promise.all(this.#listenings().map((listening) => listening.close()));
    await this.#admin?.close();
    const { transport, authenticator } = this.#services;
    await Promise.all([transport.stop(), authenticator.close()]);
  }

  #apply(next: SettingsResult): ReloadResult {
    if (next.kind === 'invalid') return { kind: 'refused', problems: next.problems };
    const { settings } = next;
    const obstacle = findUnchangeable(this.#settings.config, settings.config);
    if (obstacle !== undefined) return { kind: 'refused', problems: [obstacle] };
    updateServices(this.#services, this.#settings, settings);
    this.#settings = settings;
    this.#doors = openDoors(settings, this.#services);
    for (const { name, listening } of this.#open) {
      const listener = settings.config.listeners.find((candidate) => candidate.name === name);
      if (listener) listening.allowSilence(longestSilence(listener));
    }
    return { kind: 'reloaded', warnings: settings.warnings };
  }

  async #openAdmin(): Promise<void> {
    const { bind } = this.#settings.config.admin;
    const { metrics, log, bound } = this.#services;
    try {
      const readiness = (): boolean => this.#state === 'ready';
      this.#admin = await startAdminServer({ bind, metrics, log, readiness, routes: this.#adminRoutes() });
    } catch (cause) {
      throw fatalListenError('the admin server', cause);
    }
    if ('host' in this.#admin.address) bound.add('admin', this.#admin.address);
    log.info({ listener: 'admin', address: formatBind(this.#admin.address) }, 'listening');
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

  #listenings(): readonly Listening[] {
    return this.#open.map(({ listening }) => listening);
  }

  #tlsOf(name: string): TlsIdentity | undefined {
    return this.#settings.identities.get(name)?.tls;
  }

  async #listen(listener: ListenerConfig, { address, passed }: Place): Promise<Listening['address']> {
    const { name } = listener;
    const doorNow = (): Door | undefined => this.#doors.get(name);
    const intercept = listener.mode === 'sni' && listener.intercept !== 'none' ? listener.intercept : undefined;
    const tls = this.#tlsOf(name);
    const options: ListenOptions = {
      ...(intercept && { intercept }),
      ...(passed !== undefined && { passed }),
      ...(isDualStack(listener, address) && { isDualStack: true }),
      // By the networks of the moment: a reload exchanges them.
      ...(listener.proxy_protocol && { introduce: (wire, peer) => introduce(doorNow(), wire, peer) }),
      // Of the moment: a renewed certificate is shown from the next client on.
      ...(tls && { identity: (client) => (mayShakeHands(client, doorNow()) ? (this.#tlsOf(name) ?? tls) : undefined) }),
    };
    const { transport, ledger, bound } = this.#services;
    const onClient = (client: Leg): void => void serveTunnel(client, doorNow, ledger);
    try {
      const listening = await transport.listen(address, onClient, options);
      this.#open.push({ name, listening });
      listening.allowSilence(longestSilence(listener));
      bound.add(name, listening.address, listening.isDualStack);
      return listening.address;
    } catch (cause) {
      throw fatalListenError(`listener ${name}`, cause);
    }
  }
}

function isDualStack({ dual_stack }: ListenerConfig, { host }: Address): boolean {
  return dual_stack && host === '::';
}

function introduce(
  door: Door | undefined,
  ...[wire, peer]: Parameters<NonNullable<Door['introduce']>>
): Promise<Introduction> {
  return door?.introduce?.(wire, peer) ?? Promise.resolve({ refusal: 'this listener is no more' });
}

/** A handshake costs a millisecond of the deciding thread: a client that the limits refuse anyway gets none. */
function mayShakeHands({ host }: Address, door: Door | undefined): boolean {
  const ip = parseIp(host);
  // One without an address has left already.
  return ip === undefined || door === undefined || door.wouldAdmit(ip);
}

interface OpenListener {
  readonly name: string;
  readonly listening: Listening;
}

/** Beyond `timeouts.handshake`, to which each client is held anyway: this is for the time in which this thread is stalled. */
const SILENCE_GRACE_MS = 1_000;

function longestSilence({ timeouts }: ListenerConfig): number {
  return timeouts.handshake + SILENCE_GRACE_MS;
}
