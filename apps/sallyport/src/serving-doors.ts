/** The doors that serve: their sockets, and the settings by which they serve. A reload puts others in their place. */
import { authorityText } from '@sallyport/addresses';
import type { ListenerConfig } from '@sallyport/config';
import type { AdminAddress, Logger } from '@sallyport/telemetry';
import type { Door } from '@sallyport/tunnel-server';
import { boundAddresses } from './bound-addresses.ts';
import { openDoors } from './doors.ts';
import { requireEngine } from './engine.ts';
import type { Services } from './services.ts';
import type { Settings } from './settings.ts';
import type { InheritedSockets } from './sockets/inherited-sockets.ts';
import {
  type GiveWay,
  type ListenerExchange,
  OpenListeners,
  type OpenSocket,
  type Receiver,
} from './sockets/open-listeners.ts';
import { receiveClients } from './sockets/receive-clients.ts';

/** What outlives a reload. */
export interface ServingDoorsTools {
  readonly services: Services;
  readonly inherited: InheritedSockets;
  /** The present one: it must not be dialled either. */
  readonly adminAddress: () => AdminAddress | undefined;
}

/** One for the life of the process. */
export class ServingDoors {
  readonly #services: Services;
  readonly #listeners: OpenListeners;
  readonly #adminAddress: () => AdminAddress | undefined;
  #settings: Settings;
  /** The settings that are about to take effect, for clients of a door that was just opened. */
  #next: Settings;
  #doors: ReadonlyMap<string, Door> = new Map();
  /** While sockets are closed: the clients that were queued at a removed listener are served by its last door. */
  #leaving: ReadonlyMap<string, Door> | undefined;

  /** @param settings of the doors that are opened first */
  constructor(settings: Settings, { services, inherited, adminAddress }: ServingDoorsTools) {
    this.#settings = settings;
    this.#next = settings;
    this.#services = services;
    this.#adminAddress = adminAddress;
    this.#listeners = new OpenListeners({
      transport: services.transport,
      inherited,
      receiverOf: (listener) => this.#receiverOf(listener),
    });
  }

  /** Those in force. */
  get settings(): Settings {
    return this.#settings;
  }

  /** In the order of the configuration. */
  get open(): readonly OpenSocket[] {
    return this.#listeners.open;
  }

  /** Opens the sockets that the settings need. Rejects with a FatalError, and leaves everything as it was. */
  async prepare(settings: Settings, giveWay: GiveWay): Promise<ListenerExchange> {
    const { listeners } = settings.config;
    for (const listener of listeners) requireEngine(listener, this.#services.transport);
    this.#next = settings;
    return this.#listeners.prepare(listeners, giveWay);
  }

  /** From now on the doors of these settings serve. Resolves once the sockets that they do not need are closed. */
  async exchange(exchange: ListenerExchange, settings: Settings): Promise<void> {
    const { open, opened, closing } = exchange;
    const { bound, log, metrics, repeats } = this.#services;
    const before = this.#doors;
    this.#leaving = before;
    this.#settings = settings;
    bound.replace(this.#boundBy(open));
    const forgotten = repeats?.renew();
    // A refusal may name another door, for all ports are known by now.
    this.#doors = openDoors(settings, this.#services);
    const committed = exchange.commit();
    for (const socket of opened) log.info(facts(socket), 'listening');
    for (const socket of closing) logClosing(log, socket);
    for (const name of before.keys()) if (!this.#doors.has(name)) metrics.forListener(name).retire();
    await Promise.all([committed, forgotten]);
    this.#leaving = undefined;
  }

  async close(): Promise<void> {
    await this.#listeners.close();
  }

  #boundBy(sockets: readonly OpenSocket[]): ReturnType<typeof boundAddresses> {
    const address = this.#adminAddress();
    const admin = address && 'host' in address ? [{ listener: 'admin', address }] : [];
    const doors = sockets.flatMap(({ wanted, listening }) => boundAddresses(wanted.listener.name, listening));
    return [...admin, ...doors];
  }

  #receiverOf(listener: ListenerConfig): Receiver {
    const { name } = listener;
    const identityNow = () => this.#settings.identities.get(name) ?? this.#next.identities.get(name);
    // For a client that came before its listener was removed, or lost its TLS.
    const before = identityNow();
    return receiveClients(listener, {
      doorNow: () => this.#doors.get(name) ?? this.#leaving?.get(name),
      tlsNow: () => identityNow()?.tls ?? before?.tls,
      ledger: this.#services.ledger,
    });
  }
}

function logClosing(log: Logger, socket: OpenSocket): void {
  const closed = 'no longer listening';
  if (socket.wanted.isInherited) log.warn({ ...facts(socket), detail: STILL_OPEN }, closed);
  else log.info(facts(socket), closed);
}

const STILL_OPEN =
  'systemd still has the socket open, and clients that connect there wait in vain; disable the socket unit';

function facts({ wanted: { listener }, listening }: OpenSocket): object {
  return { listener: listener.name, mode: listener.mode, address: authorityText(listening.address) };
}
