/** A policy as it decides: rules compiled, names indexed, networks sorted. */
import type { Ip, NetworkSet } from '@sallyport/addresses';
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
  /** Who the client proved to be, if it did. */
  readonly user?: string | undefined;
}

export interface Decision {
  /** `report` is what `report_only` makes of `deny`: allowed on, and counted. */
  readonly decision: 'allow' | 'deny' | 'report';
  /** The rule's name, or `default`. */
  readonly rule: string;
}

/** A rule, compiled; what it says of names stands in the policy's index. What is left out matches anything. */
export interface Rule {
  readonly name: string;
  readonly action: 'allow' | 'deny';
  readonly decision: Decision;
  readonly clients?: NetworkSet;
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
  /** The rules that may match a name. */
  readonly hosts: HostIndex;
  /** The rules that may match an IP literal. */
  readonly literals: RuleNumbers;
  readonly byDefault: Decision;
  /** Which addresses may be dialled, whatever the rules say. */
  readonly destinations: DestinationRules;
  /** What `@name` in `hosts` stands for; rules are compiled, and reasons told, by it. */
  readonly groups: Groups;
}
