/** A proxy to measure: its program, its abilities and its configuration. */

export type Door = 'sni' | 'connect';

export type ScenarioName =
  | 'bulk'
  | 'idle-memory'
  | 'set-up-sni'
  | 'set-up-connect'
  | 'low-rate-sni'
  | 'low-rate-connect'
  | 'ping-pong'
  | 'garbage'
  | 'two-threads';

export interface Peer {
  /** As `--peers` spells it. */
  readonly id: string;
  /** As the table spells it. */
  readonly label: string;
  /** The one that is used where a scenario leaves the choice comes first. */
  readonly doors: readonly Door[];
  readonly scenarios: readonly ScenarioName[];
  /** For one that writes an access log: the id of the same peer without it. */
  readonly withoutLog?: string;
  find(): Found;
}

export type Found =
  | { readonly kind: 'missing'; readonly why: string }
  | {
      readonly kind: 'present';
      readonly version: string;
      /** Its configuration and command line: all that there is to say of the peer. */
      configure(place: Place): Command;
    };

export interface FoundPeer {
  readonly peer: Peer;
  readonly found: Found;
}

export interface Place {
  /** The peer's own, and the working folder of its process. */
  readonly folder: string;
  readonly ports: Readonly<Record<Door, number>>;
  /** For whatever else the peer wants to listen on. */
  readonly sparePort: number;
  readonly originPort: number;
}

export interface Command {
  readonly argv: readonly [string, ...string[]];
  /** Files to lay in the folder: name to text. */
  readonly files: Readonly<Record<string, string>>;
}

/** Where tunnels are set up: all that an access log adds to. */
export const setUpScenarios = ['set-up-sni', 'set-up-connect', 'low-rate-sni', 'low-rate-connect'] as const;

/** What everybody is measured in. */
export const everyScenario = ['bulk', 'idle-memory', ...setUpScenarios, 'ping-pong'] as const;

/** How long what a peer waits for is waited for; a soak holds its tunnels nearly as long. */
export const tunnelSeconds = 86_400;
