/** A compiled policy: rules, indexed names, sorted networks. */
import type { Ip, Network, NetworkSet } from '@sallyport/addresses';
import type { PortRange } from '@sallyport/config';
import type { DestinationRules } from '../address-rules/permit.ts';
import type { Destination } from '../destination.ts';
import type { Groups } from './groups.ts';
import type { HostIndex, RuleNumbers } from './host-index.ts';

/** What is asked of the policy, once a tunnel. */
export interface PolicyRequest {
  readonly client: Ip;
  /** The listener's name. */
  readonly listener: string;
  readonly destination: Destination;
  /** The authenticated user, if any. */
  readonly user?: string | undefined;
}

export interface Decision {
  /** `report`: allowed on, though a rule under `report_only`, or the default, would have denied it. */
  readonly decision: Verdict;
  /** The name of the rule that decided, or `default`. */
  readonly rule: string;
  /** The ways out that the rule names, in order; left out: those of `default_egress`. */
  readonly egress?: readonly string[];
  /** The first rule that would have denied, were it not for `report_only`; `default` for the default. */
  readonly wouldDeny?: string;
  /** What that rule itself said of it, where `decision` is another: `allow`, behind a rule under `report_only`. */
  readonly ruled?: Verdict;
}

export type Verdict = 'allow' | 'deny' | 'report';

/** What decides: a rule, or the default. */
export interface Decider {
  readonly action: 'allow' | 'deny';
  readonly decision: Decision;
  /** In place of it where rules deny nothing. */
  readonly reported: Decision;
}

/** A rule, compiled; what it says of names stands in the policy's index. What is left out matches anything. */
export interface Rule extends Decider {
  readonly name: string;
  /** It denies nothing: that it would have is noted, and matching goes on. */
  readonly isReportOnly: boolean;
  readonly clients?: NetworkSet;
  /** The same, as listed. */
  readonly clientNetworks?: readonly Network[];
  /** Clients that have not proved who they are never match. */
  readonly users?: ReadonlySet<string>;
  readonly listeners?: ReadonlySet<string>;
  /** Empty where the rule is about names only. */
  readonly networks?: NetworkSet;
  /** Sorted, apart from one another. */
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
  /** By rule: what stands in place of the sentence of its refusals; with placeholders. */
  readonly messages: ReadonlyMap<string, string>;
  /** Closes the sentence of each refusal by policy or address; with placeholders. */
  readonly message?: string;
  /** Which addresses may be dialled, whatever the rules say. */
  readonly destinations: DestinationRules;
  /** What `@name` in `hosts` stands for; rules are compiled, and reasons told, by it. */
  readonly groups: Groups;
}

/** Where denials are reported and not enforced. */
export interface Reporting {
  readonly isEverywhere: boolean;
  readonly listeners: ReadonlySet<string>;
  /** The rules that are under `report_only` by themselves, by number; empty where none is. */
  readonly rules: readonly (Rule | undefined)[];
  /**
   * The decision with the rule noted that would have denied before it. The same object each time: tunnels that are up are grouped by
   * it.
   */
  note(decision: Decision, rule: Rule): Decision;
}
