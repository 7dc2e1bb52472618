/** Ends the live tunnels that the reloaded rules deny (`runtime.reload_tunnels: recheck`). */
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Ledger, TunnelFacts } from '@sallyport/tunnel-server';

/** The tunnels, and the rules by which they are judged again. */
export interface Recheck {
  readonly ledger: Pick<Ledger, 'live' | 'opened' | 'isSettingUp'>;
  /** Whether the settings in force would deny it. */
  readonly isDenied: (facts: TunnelFacts) => boolean;
  /** False once another reload has taken effect, which does its own recheck. */
  readonly isCurrent: () => boolean;
}

/** How many tunnels are checked before the thread does other work: two milliseconds, or less. */
const SLICE = 256;

/** How often it is checked whether connections that began under the earlier rules are decided, in milliseconds. */
const SETTLE_MS = 100;

/** How many tunnels were judged, and how many of them were told to end. */
export interface Rechecked {
  readonly checked: number;
  readonly ended: number;
}

/** Resolves once every tunnel that was decided by the earlier rules has been judged. */
export async function recheckTunnels(recheck: Recheck): Promise<Rechecked> {
  const { ledger, isCurrent } = recheck;
  const last = ledger.opened;
  const live = await judgeLive(recheck, last);
  // A connection keeps the door that accepted it: one that was being set up may have been decided by the old rules since.
  let isLate = false;
  while (isCurrent() && ledger.isSettingUp(last)) {
    isLate = true;
    await delay(SETTLE_MS, undefined, { ref: false });
  }
  if (!isLate) return live;
  const late = await judgeLive(recheck, last);
  return { checked: late.checked + live.ended, ended: late.ended + live.ended };
}

async function judgeLive({ ledger, isDenied, isCurrent }: Recheck, last: number): Promise<Rechecked> {
  let checked = 0;
  let ended = 0;
  for (const tunnel of ledger.live()) {
    const facts = tunnel.number <= last ? tunnel.facts() : undefined;
    if (facts === undefined) continue;
    checked += 1;
    if (isDenied(facts)) {
      tunnel.cut('policy');
      ended += 1;
    }
    if (checked % SLICE > 0) continue;
    await nextTurn();
    if (!isCurrent()) break;
  }
  return { checked, ended };
}
