/** A compiled policy: rules, indexed names, sorted networks. */
import type { Ip, Network, NetworkSet } from '@sallyport/addresses';
import type { PortRange } from '@sallyport/config';
import type { DestinationRules } from '../address-rules/permit.ts';
import type { Destination } from '../destination.ts';
import type { Groups } from './groups.ts';
import type { HostIndex, RuleNumbers } from './host-index.ts';

/** One request to the policy, for one tunnel. */
export interface PolicyRequest {
  readonly client: Ip;
  /** The listener's name. */
  readonly listener: string;
  readonly destination: Destination;
  /** The authenticated user, if any. */
  readonly user?: string | undefined;
}

export interface Decision {
  /** `report`: allowed, though a rule under `report_only`, or the default, would have denied it. */
  readonly decision: Verdict;
  /** The name of the rule that decided, or `default`. */
  readonly rule: string;
  /** The egresses that the rule names, in order; left out: those of `default_egress`. */
  readonly egress?: readonly string[];
  /** The first rule that would have denied without `report_only`; `default` for the default. */
  readonly wouldDeny?: string;
  /** What that rule itself decided, where `decision` differs: `allow`, behind a rule under `report_only`. */
  readonly ruled?: Verdict;
}

export type Verdict = 'allow' | 'deny' | 'report';

/** What decides: a rule, or the default. */
export interface Decider {
  readonly action: 'allow' | 'deny';
  readonly decision: Decision;
  /** Its decision where rules deny nothing. */
  readonly reported: Decision;
}

/** A compiled rule. Its names are in the policy's index. What is left out matches anything. */
export interface Rule extends Decider {
  readonly name: string;
  /** It denies nothing: what it would deny is noted, and matching goes on. */
  readonly isReportOnly: boolean;
  readonly clients?: NetworkSet;
  /** The same, as listed. */
  readonly clientNetworks?: readonly Network[];
  /** Clients without a login never match. */
  readonly users?: ReadonlySet<string>;
  readonly listeners?: ReadonlySet<string>;
  /** Empty where the rule is about names only. */
  readonly networks?: NetworkSet;
  /** Sorted, and without overlaps. */
  readonly ports?: readonly PortRange[];
}

export interface Policy {
  readonly rules: readonly Rule[];
  /** The same without those under `report_only`. */
  readonly enforced: readonly (Rule | undefined)[];
  /** The rules that may match a name. */
  readonly hosts: HostIndex;
  /** The rules that may match an IP literal. */
  readonly literals: RuleNumbers;
  readonly byDefault: Decider;
  readonly reporting: Reporting;
  /** Clients that are told near misses and the names of rules. */
  readonly hints: NetworkSet;
  /** For each rule, the sentence of its refusals, with placeholders. */
  readonly messages: ReadonlyMap<string, string>;
  /** Ends the sentence of each refusal by policy or address; with placeholders. */
  readonly message?: string;
  /** Which addresses may be dialled, whatever the rules say. */
  readonly destinations: DestinationRules;
  /** The patterns of each `@name` in `hosts`. Compiling and explaining both use them. */
  readonly groups: Groups;
}

/** Where denials are reported and not enforced. */
export interface Reporting {
  readonly isEverywhere: boolean;
  readonly listeners: ReadonlySet<string>;
  /** The rules that are under `report_only` by themselves, by number; empty where none is. */
  readonly rules: readonly (Rule | undefined)[];
  /** The decision, with the earlier rule noted that would have denied. The same object each time: live tunnels are grouped by it. */
  note(decision: Decision, rule: Rule): Decision;
}
