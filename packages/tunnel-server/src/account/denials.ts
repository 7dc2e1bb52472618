/** The destinations that are denied most, or would be, in bounded memory. Only a denial costs anything. */
import { SpaceSaving } from './space-saving.ts';
import type { EndReason, TunnelFacts } from './tunnel-facts.ts';

/** How many destinations are counted: those that are shown, and room for rarer ones to become frequent. Some 600 bytes each at the most. */
const PLACES = 1_000;

export interface DeniedDestination {
  readonly host: string;
  readonly port: number;
  readonly listener: string;
  /** What denied it, or would: left out where nothing was decided yet. */
  readonly rule?: string;
  readonly reason: string;
  /** At the least: exact until there have been more destinations than places. */
  readonly count: number;
  /** When the latest denial was, as milliseconds of Unix time; and whose. */
  readonly lastAt: number;
  readonly client: string;
}

interface Latest {
  readonly at: number;
  readonly client: string;
}

/** Refusals for what was asked. Others are for who asks, or how often, and say nothing of the destination. */
const DENIALS: ReadonlySet<string> = new Set(['policy', 'address', 'loop', 'ech', 'sni_mismatch']);

/** Between the parts of a key. None has one in it. */
const SEPARATOR = '\0';

export class Denials {
  readonly #denied = new SpaceSaving<Latest>(PLACES);
  readonly #reported = new SpaceSaving<Latest>(PLACES);

  /** Takes a connection that was refused. */
  refused(facts: TunnelFacts, reason: EndReason): void {
    if (DENIALS.has(reason)) this.#denied.add(keyOf(facts, facts.decision?.rule, reason), latestOf(facts));
  }

  /** Takes a decision of which `report_only` has made another. */
  reported(facts: TunnelFacts, rule: string): void {
    this.#reported.add(keyOf(facts, rule, 'policy'), latestOf(facts));
  }

  /** The most denied first; those that `report_only` let pass are apart from the others. */
  top(verdict: 'deny' | 'report', limit: number): readonly DeniedDestination[] {
    const counts = verdict === 'deny' ? this.#denied : this.#reported;
    return counts.top(limit).map(({ key, count, latest }) => {
      const [host = '', port = '', listener = '', rule = '', reason = ''] = key.split(SEPARATOR);
      const where = { host, port: Number(port), listener, ...(rule !== '' && { rule }) };
      return { ...where, reason, count, lastAt: latest.at, client: latest.client };
    });
  }
}

function latestOf({ client }: TunnelFacts): Latest {
  return { at: Date.now(), client: client.host };
}

/** A string that is joined from an array is one piece of memory; a part of what a client sent would keep all of that. */
function keyOf({ destination, door }: TunnelFacts, rule = '', reason: string): string {
  return [destination?.host ?? '', destination?.port ?? 0, door.name, rule, reason].join(SEPARATOR);
}
