/** Notices that this machine has got or lost an address, and says so in the log. */
import { authorityText, compileNetworks, parseIp } from '@sallyport/addresses';
import type { Logger } from '@sallyport/telemetry';
import { type AddressChange, MachineAddresses } from '@sallyport/tunnel-server';
import { BoundAddresses } from './bound-addresses.ts';

const INTERVAL_MS = 2_000;

/** @param elsewhere IP literals that reach us from outside */
export function watchBoundAddresses(elsewhere: readonly string[], log: Logger): BoundAddresses {
  const machine = new MachineAddresses({ onChange: (change) => logChange(change, bound, log) });
  const bound = new BoundAddresses(elsewhere, machine);
  setInterval(() => machine.refresh(), INTERVAL_MS).unref();
  return bound;
}

/** Each container that starts or stops brings or takes one of these. */
const NOT_LOGGED = compileNetworks(['link_local', 'loopback']);

function logChange(change: AddressChange, bound: BoundAddresses, log: Logger): void {
  const [added, removed] = [change.added, change.removed].map((all) => all.filter(isLogged));
  if (!added || !removed || added.length + removed.length === 0) return;
  log.info({ added, removed }, 'addresses changed');
  for (const { listener, address } of bound.at(removed)) {
    log.warn({ listener, address: authorityText(address), detail: OUT_OF_REACH }, 'listener address lost');
  }
}

const OUT_OF_REACH =
  'no client reaches it before this machine has its address again; bind it to another one and reload';

function isLogged(text: string): boolean {
  const ip = parseIp(text);
  return ip !== undefined && !NOT_LOGGED.contains(ip);
}
