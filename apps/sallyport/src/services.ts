/** The services that all doors share and that a reload keeps. */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '@sallyport/config';
import { Resolver } from '@sallyport/resolver';
import { createMetrics, type Logger, type Metrics } from '@sallyport/telemetry';
import {
  Authenticator,
  createLimits,
  Egresses,
  Ledger,
  type Limits,
  type RecordOptions,
  Repeats,
  type SharedLimits,
} from '@sallyport/tunnel-server';
import type { Transport } from '@sallyport/tunnel-splice';
import type { BoundAddresses } from './bound-addresses.ts';
import { EXIT, FatalError } from './exit.ts';
import { binaryOf, startEngine } from './engine.ts';
import { openLimitsStore } from './limits-store.ts';
import type { Settings } from './settings.ts';
import { version } from './version.ts';
import { watchBoundAddresses } from './watch-addresses.ts';

/** Made at the start. What a reload replaces says so. */
export interface Services {
  readonly transport: Transport;
  readonly authenticator: Authenticator;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly ledger: Ledger;
  readonly limits: Limits;
  /** Undefined where each client is decided anew. */
  readonly repeats: Repeats | undefined;
  /** Replaced by a reload that changes `limits.store`; undefined where that is local. */
  limitsStore: SharedLimits | undefined;
  /** The addresses on which we listen, and which we never dial. */
  readonly bound: BoundAddresses;
  /** Replaced by a reload that changes `dns`; otherwise its cache is kept. */
  resolver: Resolver;
  /** Replaced by every reload. */
  egresses: Egresses;
}

/** Opens no listener. */
export function createServices(
  { config, trusts }: Settings,
  log: Logger,
  environment: NodeJS.ProcessEnv = process.env,
): Services {
  const transport = startEngine(config.runtime, log);
  const metrics = createMetrics({ version: version(), engine: transport.name, binary: binaryOf(transport) });
  const limits = createLimits(config.limits);
  limits.update(config.limits, config.listeners);
  const ledger = new Ledger(ledgerOptions(config, log), limits);
  metrics.onScrape(() => transport.catchUp?.());
  metrics.onScrape(() => ledger.countLiveBytes());
  countDroppedLines(metrics, log);
  return {
    transport,
    authenticator: new Authenticator(),
    log,
    metrics,
    ledger,
    limits,
    repeats: isRepeating(environment) ? new Repeats(transport, limits) : undefined,
    limitsStore: openLimitsStore(config.limits, { limits, log, metrics }),
    bound: watchBoundAddresses(config.own_addresses, log),
    resolver: openResolver(config, metrics),
    egresses: new Egresses(config, { metrics, trusts }),
  };
}

/** For settings that have passed every check: nothing here can fail. */
export function updateServices(services: Services, from: Settings, to: Settings): void {
  services.ledger.options = ledgerOptions(to.config, services.log);
  services.limits.update(to.config.limits, to.config.listeners);
  if (!isDeepStrictEqual(from.config.limits.store, to.config.limits.store)) {
    void services.limitsStore?.close();
    services.limitsStore = openLimitsStore(to.config.limits, services);
  }
  services.bound.reachedAt(to.config.own_addresses);
  const { metrics, egresses } = services;
  services.egresses = new Egresses(to.config, { metrics, trusts: to.trusts }, egresses);
  if (!isDeepStrictEqual(from.config.dns, to.config.dns))
    services.resolver = openResolver(to.config, services.metrics, services.resolver);
}

/** `SALLYPORT_REPEAT=off` has every client decided anew. Throws a FatalError where it is neither on nor off. */
function isRepeating({ SALLYPORT_REPEAT: value = 'on' }: NodeJS.ProcessEnv): boolean {
  if (value === 'on' || value === 'off') return value === 'on';
  const found = JSON.stringify(value);
  throw new FatalError(`the environment variable SALLYPORT_REPEAT is ${found}; set it to on or off`, EXIT.usage);
}

function countDroppedLines(metrics: Metrics, log: Logger): void {
  let told = 0;
  metrics.onScrape(() => {
    const dropped = log.linesDropped();
    metrics.logLinesDropped(dropped - told);
    told = dropped;
  });
}

function ledgerOptions({ log }: Config, logger: Logger): RecordOptions {
  return { log: logger, logsAccess: log.access, progressMs: log.progress };
}

function openResolver({ dns }: Config, metrics: Metrics, predecessor?: Resolver): Resolver {
  return new Resolver(dns, { onCache: (result) => metrics.dnsCache(result), ...(predecessor && { predecessor }) });
}
