/** The destinations that are denied most, or would be, in bounded memory. Only a denial costs time. */
import { SpaceSaving } from './space-saving.ts';
import type { EndReason, TunnelFacts } from './tunnel-facts.ts';

/**
 * How many destinations are counted: those that are shown, and more, so that rarer ones can become frequent. Some 600 bytes each at most.
 */
const PLACES = 1_000;

export interface DeniedDestination {
  readonly host: string;
  readonly port: number;
  readonly listener: string;
  /** The rule that denied it, or would; left out where nothing was decided yet. */
  readonly rule?: string;
  readonly reason: string;
  /** The least it can be: exact until there have been more destinations than places. */
  readonly count: number;
  /** The time of the latest denial, in milliseconds of Unix time, and its client. */
  readonly lastAt: number;
  readonly client: string;
}

interface Latest {
  readonly at: number;
  readonly client: string;
}

/** Refusals because of the destination. Other refusals are because of the client or its rate. */
const DENIALS: ReadonlySet<string> = new Set(['policy', 'address', 'loop', 'ech', 'sni_mismatch']);

/** Between the parts of a key. No part contains it. */
const SEPARATOR = '\0';

export class Denials {
  readonly #denied = new SpaceSaving<Latest>(PLACES);
  readonly #reported = new SpaceSaving<Latest>(PLACES);

  /** A connection was refused. */
  refused(facts: TunnelFacts, reason: EndReason): void {
    if (DENIALS.has(reason)) this.#denied.add(keyOf(facts, facts.decision?.rule, reason), latestOf(facts));
  }

  /** A connection was let pass by `report_only` alone. */
  reported(facts: TunnelFacts, rule: string): void {
    this.#reported.add(keyOf(facts, rule, 'policy'), latestOf(facts));
  }

  /** The most denied first. Those that `report_only` let pass are listed separately. */
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

/** An array is joined into one new string: a part of what a client sent would keep all of it in memory. */
function keyOf({ destination, door }: TunnelFacts, rule = '', reason: string): string {
  return [destination?.host ?? '', destination?.port ?? 0, door.name, rule, reason].join(SEPARATOR);
}
