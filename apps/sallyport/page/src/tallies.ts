/** Refusals and failures by reason, and decisions by rule. */
import type { StatusReply } from './api.ts';
import { part } from './dom.ts';
import { countText } from './figures.js';
import { createTable } from './table.ts';

interface End {
  readonly outcome: 'refused' | 'failed';
  readonly listener: string;
  readonly reason: string;
  readonly count: number;
}

type Decision = StatusReply['decisions'][number];

const DECISIONS = {
  allow: { text: 'allow', class: 'good' },
  deny: { text: 'deny', class: 'bad' },
  report: { text: 'would deny', class: 'warn' },
} as const;

export function createTallies() {
  const ends = createTable<End>({
    label: 'Refused and failed connections, by reason',
    empty: 'Nothing was refused, and nothing failed.',
    keyOf: ({ outcome, listener, reason }) => `${outcome} ${listener} ${reason}`,
    columns: [
      { title: 'Reason', text: ({ reason }) => reason, note: ({ listener }) => listener },
      { title: 'Outcome', text: ({ outcome }) => outcome },
      { title: 'Count', class: 'number', text: ({ count }) => countText(count) },
    ],
  });
  const decisions = createTable<Decision>({
    label: 'Decisions, by rule',
    empty: 'Nothing was decided yet.',
    keyOf: ({ rule, decision }) => `${decision} ${rule}`,
    columns: [
      { title: 'Rule', text: ({ rule }) => rule },
      { title: 'Decision', mark: ({ decision }) => DECISIONS[decision] },
      { title: 'Count', class: 'number', text: ({ count }) => countText(count) },
    ],
  });
  part('refusals', HTMLElement).append(ends.node);
  part('decisions', HTMLElement).append(decisions.node);
  return {
    show(status: StatusReply): void {
      const refused = status.refusals.map((end): End => ({ ...end, outcome: 'refused' }));
      const failed = status.failures.map((end): End => ({ ...end, outcome: 'failed' }));
      ends.show([...refused, ...failed].sort(byCount));
      decisions.show([...status.decisions].sort(byCount));
    },
  };
}

function byCount(one: { readonly count: number }, other: { readonly count: number }): number {
  return other.count - one.count;
}
