/** The addresses on which we listen, with port 0 replaced by the real port. None of them may be dialled. */
import type { ListenerConfig } from '@sallyport/config';
import type { OwnAddresses } from '@sallyport/policy';
import { type MachineAddresses, ownAddresses } from '@sallyport/tunnel-server';
import type { Address, Listening } from '@sallyport/tunnel-splice';

/** One address, and the listener that is bound there; `admin` for the admin server. */
export interface BoundAddress {
  readonly listener: string;
  readonly address: Address;
}

/** A listener's bind takes IPv4 clients too. */
export function isDualStack(listener: Pick<ListenerConfig, 'dual_stack'>, bind: Address): boolean {
  return listener.dual_stack && bind.host === '::';
}

/** The addresses of a socket. An IPv6 socket that takes IPv4 clients too has one of each family. */
export function boundAddresses(
  listener: string,
  { address, isDualStack }: Pick<Listening, 'address' | 'isDualStack'>,
): readonly BoundAddress[] {
  const other = isDualStack ? [{ listener, address: { host: '0.0.0.0', port: address.port } }] : [];
  return [{ listener, address }, ...other];
}

/** Kept by the program: a reload replaces what is bound, and nobody keeps a copy. */
export class BoundAddresses {
  #bound: readonly BoundAddress[] = [];
  #elsewhere: readonly string[];
  readonly #machine: MachineAddresses;
  #own: OwnAddresses;

  /** @param elsewhere IP literals that reach us from outside */
  constructor(elsewhere: readonly string[], machine: MachineAddresses) {
    this.#elsewhere = elsewhere;
    this.#machine = machine;
    this.#own = ownAddresses([], { machine });
  }

  /** Sets the addresses that are bound now. */
  replace(bound: readonly BoundAddress[]): void {
    this.#bound = bound;
    this.#renew();
  }

  /** Sets the `own_addresses` of another configuration. */
  reachedAt(elsewhere: readonly string[]): void {
    this.#elsewhere = elsewhere;
    this.#renew();
  }

  #renew(): void {
    const listening = this.#bound.map((entry) => entry.address);
    this.#own = ownAddresses(listening, { elsewhere: this.#elsewhere, machine: this.#machine });
  }

  /** The first address of a listener, if it is open already. */
  of(listener: string): Address | undefined {
    return this.#bound.find((entry) => entry.listener === listener)?.address;
  }

  /** All addresses of a listener that are open. */
  all(listener: string): readonly Address[] {
    return this.#bound.filter((entry) => entry.listener === listener).map(({ address }) => address);
  }

  /** Those that are bound to one of these IP literals, and to no wildcard. */
  at(hosts: readonly string[]): readonly BoundAddress[] {
    return this.#bound.filter(({ address }) => hosts.includes(address.host));
  }

  /** All of them, as destinations to refuse. */
  get own(): OwnAddresses {
    return this.#own;
  }
}
