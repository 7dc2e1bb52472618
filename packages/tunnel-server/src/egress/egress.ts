/** The egresses by name: what the configuration says of each, and how well each works. */
import { parseIp } from '@sallyport/addresses';
import { DIRECT, type Config, type EgressConfig, type ParentConfig } from '@sallyport/config';
import type { Decision } from '@sallyport/policy';
import type { EgressMetrics, Metrics } from '@sallyport/telemetry';
import type { TlsTrust } from '@sallyport/tunnel-splice';
import { askHttpParent } from './ask-http-parent.ts';
import { askSocks5Parent } from './ask-socks5-parent.ts';
import { locateParent, type LocatedParent } from './parent-addresses.ts';
import { ParentHabit } from './parent-habit.ts';
import { ParentHealth } from './parent-health.ts';
import type { Credentials, ParentDestination, ParentQuestion } from './parent-question.ts';

/** Dials the destination's own addresses. */
export interface DirectEgress {
  readonly kind: 'direct';
  readonly name: string;
  readonly sourceHost: string | undefined;
  readonly proxyProtocol: 'v1' | 'v2' | undefined;
  readonly onOutcome: (isUp: boolean) => void;
}

/** Goes through another proxy. */
export interface ParentEgress {
  readonly kind: 'parent';
  readonly name: string;
  readonly type: ParentConfig['type'];
  /** A name or an IP literal, and a port. */
  readonly address: ParentConfig['address'];
  /** Undefined where it has a name, which is looked up each time. */
  readonly located: LocatedParent | undefined;
  /** Names are resolved here, and the parent is given an address that may be dialled. */
  readonly resolvesHere: boolean;
  readonly credentials: Credentials | undefined;
  /** Words the question for a destination. */
  readonly ask: (destination: ParentDestination) => ParentQuestion;
  /** Undefined where TLS is not used with it. */
  readonly trust: TlsTrust | undefined;
  readonly proxyProtocol: 'v1' | 'v2' | undefined;
  readonly health: ParentHealth;
  readonly habit: ParentHabit;
  readonly metrics: EgressMetrics;
}

/** A way out of the network. */
export type Egress = DirectEgress | ParentEgress;

/** In the order in which they are tried. */
export type Ways = readonly [Egress, ...Egress[]];

/** What egresses are opened with. */
export interface EgressTools {
  readonly metrics: Pick<Metrics, 'forEgress' | 'retainEgresses'>;
  /** For parents with `tls`, by name. */
  readonly trusts: ReadonlyMap<string, TlsTrust>;
}

/** Made anew at each reload. The health of an unchanged parent is kept. */
export class Egresses {
  readonly #byName = new Map<string, Egress>();
  readonly #configs = new Map<string, EgressConfig>();
  /** By the list in the policy itself: each rule has its own. */
  readonly #choices = new Map<readonly string[], Ways>();
  readonly #byDefault: Ways;

  constructor(
    { egress, default_egress }: Pick<Config, 'egress' | 'default_egress'>,
    tools: EgressTools,
    before?: Egresses,
  ) {
    this.#byName.set(DIRECT, openDirect({ name: DIRECT }, tools));
    for (const config of egress) {
      this.#configs.set(config.name, config);
      this.#byName.set(config.name, open(config, tools, before && before.#healthOf(config)));
    }
    this.#byDefault = this.#find(default_egress);
    tools.metrics.retainEgresses([...this.#byName.keys()]);
  }

  /** Makes no object, for this runs for every tunnel. */
  waysOf({ egress }: Pick<Decision, 'egress'>): Ways {
    if (egress === undefined) return this.#byDefault;
    return this.#choices.get(egress) ?? this.#choose(egress);
  }

  #choose(names: readonly string[]): Ways {
    const ways = this.#find(names);
    this.#choices.set(names, ways);
    return ways;
  }

  #find(names: readonly string[]): Ways {
    const [first, ...others] = names.map((name) => this.#byName.get(name)).filter((egress) => egress !== undefined);
    // The configuration has been checked. If it were not, a client meant for a parent must never go out directly.
    if (first === undefined) throw new Error(`no egress is named ${names.join(', ')}`);
    return [first, ...others];
  }

  #healthOf(config: EgressConfig): ParentHealth | undefined {
    const egress = this.#byName.get(config.name);
    const isSame = JSON.stringify(this.#configs.get(config.name)) === JSON.stringify(config);
    return isSame && egress?.kind === 'parent' ? egress.health : undefined;
  }
}

function open(config: EgressConfig, tools: EgressTools, known: ParentHealth | undefined): Egress {
  if (config.type === 'direct') return openDirect(config, tools);
  const { name, type, address, username, password, resolve, proxy_protocol: proxyProtocol } = config;
  const metrics = tools.metrics.forEgress(name);
  const literal = parseIp(address.host);
  const credentials = username !== undefined && password !== undefined ? { username, password } : undefined;
  return {
    kind: 'parent',
    name,
    type,
    address,
    located: literal && locateParent(literal, address.port),
    resolvesHere: resolve === 'local',
    credentials,
    ask: type === 'http' ? askHttpParent(credentials) : askSocks5Parent(credentials),
    trust: tools.trusts.get(name),
    proxyProtocol,
    habit: new ParentHabit(),
    health: known ?? new ParentHealth(metrics),
    metrics,
  };
}

type DirectConfig = Omit<Extract<EgressConfig, { type: 'direct' }>, 'type'>;

function openDirect({ name, source_address, proxy_protocol }: DirectConfig, { metrics }: EgressTools): DirectEgress {
  const own = metrics.forEgress(name);
  return {
    kind: 'direct',
    name,
    sourceHost: source_address,
    proxyProtocol: proxy_protocol,
    onOutcome: (isUp) => own.attempt(isUp ? 'ok' : 'failed'),
  };
}
