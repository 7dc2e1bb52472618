/** The counts that this replica has not yet settled with the store, for each client. */
import type { Occupancy } from '../occupancy.ts';
import type { ClientKey } from '../client-key.ts';

/** One scope of counting: a listener, or all of them. */
export interface Scope {
  /** Part of the keys' names. */
  readonly name: string;
  readonly occupancy: Occupancy;
}

/** One client in one scope. */
export interface Account {
  readonly scope: Scope;
  readonly client: ClientKey;
  /** Counted in the occupancy, but not yet granted or refused. */
  undecided: number;
  /** Asked of the store, with no answer yet. */
  unanswered: number;
  /** Places given back since the store was last told. */
  left: number;
}

/** The accounts, each kept only while it has something to report: memory follows what is under way. */
export class Accounts {
  readonly #byScope = new Map<string, Map<ClientKey, Account>>();
  readonly #due = new Set<Account>();

  of(scope: Scope, client: ClientKey): Account {
    let clients = this.#byScope.get(scope.name);
    if (clients === undefined) this.#byScope.set(scope.name, (clients = new Map<ClientKey, Account>()));
    let account = clients.get(client);
    if (account === undefined) clients.set(client, (account = { scope, client, undecided: 0, unanswered: 0, left: 0 }));
    return account;
  }

  /** The store has to be told of it, even where nothing more is asked. */
  isDue(account: Account): void {
    this.#due.add(account);
  }

  get areDue(): boolean {
    return this.#due.size > 0;
  }

  /** Returns the accounts that are due, and clears the list. */
  takeDue(): Account[] {
    const due = [...this.#due];
    this.#due.clear();
    return due;
  }

  forgetIfIdle(account: Account): void {
    if (account.undecided > 0 || account.unanswered > 0 || this.#due.has(account)) return;
    this.#byScope.get(account.scope.name)?.delete(account.client);
  }

  get count(): number {
    return [...this.#byScope.values()].reduce((sum, clients) => sum + clients.size, 0);
  }
}
