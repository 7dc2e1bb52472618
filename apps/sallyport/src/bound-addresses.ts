/** Where we really listen: port 0 has become a number, and every address is one that must never be dialled. */
import type { OwnAddresses } from '@sallyport/policy';
import { ownAddresses } from '@sallyport/tunnel-server';
import type { Address } from '@sallyport/tunnel-splice';

export class BoundAddresses {
  readonly #bound: { readonly listener: string; readonly address: Address }[] = [];
  #own: OwnAddresses = ownAddresses([]);

  add(listener: string, address: Address): void {
    this.#bound.push({ listener, address });
    this.#own = ownAddresses(this.#bound.map((entry) => entry.address));
  }

  /** The first address of a listener, if it is open already. */
  of(listener: string): Address | undefined {
    return this.#bound.find((entry) => entry.listener === listener)?.address;
  }

  /** All of them, as destinations to refuse. */
  get own(): OwnAddresses {
    return this.#own;
  }
}
