/** Ends the live tunnels that the reloaded rules deny (`runtime.reload_tunnels: recheck`). */
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Ledger, TunnelFacts } from '@sallyport/tunnel-server';

export interface Recheck {
  readonly ledger: Pick<Ledger, 'live' | 'opened' | 'isSettingUp'>;
  /** Whether the settings in force would not let it be. */
  readonly isDenied: (facts: TunnelFacts) => boolean;
  /** False once another reload has taken effect, whose own recheck is to be believed. */
  readonly isCurrent: () => boolean;
}

/** How many tunnels the deciding thread looks at before it turns to others: two milliseconds, or less. */
const SLICE = 256;

/** How often it is asked whether connections that began under the rules before are decided, in milliseconds. */
const SETTLE_MS = 100;

export interface Rechecked {
  readonly checked: number;
  readonly ended: number;
}

/** Resolves once every tunnel that was decided under the rules before has been judged. */
export async function recheckTunnels(recheck: Recheck): Promise<Rechecked> {
  const { ledger, isCurrent } = recheck;
  const last = ledger.opened;
  const live = await judgeLive(recheck, last);
  // A connection keeps the door that it came in by: one that was on its way may have come up since, under the old rules.
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
