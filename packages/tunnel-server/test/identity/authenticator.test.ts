import { hashSync } from 'bcryptjs';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Authenticator, type Origin, type Verdict } from '../../src/identity/authenticator.ts';
import { BcryptThread, type PasswordComparer } from '../../src/identity/bcrypt-thread.ts';

const thread = new BcryptThread();
const users = new Map([
  ['alice', hashSync('secret', 4)],
  ['bob', hashSync('hunter2', 4)],
]);

/** The real thread, with an eye on what it is given. */
class Watched implements PasswordComparer {
  readonly hashes: string[] = [];

  compare(password: string, hash: string): Promise<boolean> {
    this.hashes.push(hash);
    return thread.compare(password, hash);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

let watched: Watched;
let authenticator: Authenticator;

beforeEach(() => {
  watched = new Watched();
  authenticator = new Authenticator([watched]);
});

afterAll(() => thread.close());

/** A client by itself, with nobody in the network around it. */
const from = (client: number, neighbourhood = client): Origin => ({ client, neighbourhood });

const check = async (name: string, password: string, client = 1, neighbourhood = client): Promise<Verdict> =>
  authenticator.check(users, { name, password }, from(client, neighbourhood));

describe('Authenticator', () => {
  it.each([
    { name: 'alice', password: 'secret', verdict: 'right' },
    { name: 'bob', password: 'hunter2', verdict: 'right' },
    { name: 'alice', password: 'hunter2', verdict: 'wrong' },
    { name: 'alice', password: '', verdict: 'wrong' },
    { name: 'Alice', password: 'secret', verdict: 'wrong' },
    { name: '', password: 'secret', verdict: 'wrong' },
    { name: 'mallory', password: 'secret', verdict: 'wrong' },
    { name: '__proto__', password: 'secret', verdict: 'wrong' },
  ])('says $verdict of $name and $password', async ({ name, password, verdict }) => {
    expect(await check(name, password)).toBe(verdict);
  });

  it('compares a right password once, and answers at once from then on', async () => {
    await check('alice', 'secret');
    for (let round = 0; round < 1_000; round++) {
      expect(authenticator.check(users, { name: 'alice', password: 'secret' }, from(round))).toBe('right');
    }
    expect(watched.hashes).toHaveLength(1);
  });

  it('compares a wrong password once, too', async () => {
    await check('alice', 'guess');
    expect(authenticator.check(users, { name: 'alice', password: 'guess' }, from(1))).toBe('wrong');
    expect(watched.hashes).toHaveLength(1);
  });

  it('compares once for all who ask the same meanwhile', async () => {
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => check('alice', 'secret')));
    expect(new Set(verdicts)).toEqual(new Set(['right']));
    expect(watched.hashes).toHaveLength(1);
  });

  it('does not take a name and a password for others that are alike when run together', async () => {
    const known = new Map([['a', hashSync('bc', 4)]]);
    expect(await authenticator.check(known, { name: 'a', password: 'bc' }, from(1))).toBe('right');
    expect(await authenticator.check(known, { name: 'ab', password: 'c' }, from(1))).toBe('wrong');
  });

  it("spends on an unknown name what a wrong password costs, on some user's hash", async () => {
    await check('mallory', 'guess');
    await check('mallory', 'another');
    expect([...users.values()]).toContain(watched.hashes[0]);
    expect(watched.hashes).toEqual([watched.hashes[0], watched.hashes[0]]);
  });

  it('spends nothing where there are no users', () => {
    expect(authenticator.check(new Map(), { name: 'alice', password: 'secret' }, from(1))).toBe('wrong');
    expect(watched.hashes).toEqual([]);
  });

  it('forgets a password at once when its hash changes, and a user who is gone', async () => {
    await check('alice', 'secret');
    const changed = new Map([['alice', hashSync('renewed', 4)]]);
    expect(await authenticator.check(changed, { name: 'alice', password: 'secret' }, from(1))).toBe('wrong');
    expect(await authenticator.check(changed, { name: 'alice', password: 'renewed' }, from(1))).toBe('right');
    const without = new Map([...users].filter(([name]) => name !== 'alice'));
    expect(await authenticator.check(without, { name: 'alice', password: 'secret' }, from(1))).toBe('wrong');
  });

  it('goes on remembering those whose hash did not change', async () => {
    await check('alice', 'secret');
    const reread = new Map([...users, ['carol', hashSync('new', 4)]]);
    expect(authenticator.check(reread, { name: 'alice', password: 'secret' }, from(1))).toBe('right');
  });

  it('lets one client have so many comparisons waiting and no more, and another come next', async () => {
    const order: string[] = [];
    const ask = (name: string, password: string, client: number): Promise<Verdict> =>
      check(name, password, client).then((verdict) => {
        order.push(password);
        return verdict;
      });
    const flood = Array.from({ length: 40 }, (_, number) => ask('alice', `guess-${number}`, 1));
    const honest = ask('bob', 'hunter2', 2);
    expect(await honest).toBe('right');
    const verdicts = await Promise.all(flood);
    // One under way, 32 waiting, the rest sent away at once.
    expect(verdicts.filter((verdict) => verdict === 'wrong')).toHaveLength(33);
    expect(verdicts.filter((verdict) => verdict === 'busy')).toHaveLength(7);
    expect(order.indexOf('hunter2')).toBeLessThan(7 + 3);
  });

  it('is not closed to a newcomer by as many addresses as may wait, with one wrong password each', async () => {
    const flood = Array.from({ length: 300 }, (_, number) => check('alice', `guess-${number}`, number, number >> 8));
    expect(await check('bob', 'hunter2', 9_999)).toBe('right');
    // The newcomer's turn came after a comparison for each neighbourhood, not for each address.
    expect(watched.hashes.length).toBeLessThan(6);
    await Promise.all(flood);
  });

  it('lets who names a user that exists go before neighbourhoods without number that guess at names', async () => {
    const flood = Array.from({ length: 300 }, (_, number) => check(`guess-${number}`, 'x', number));
    expect(await check('bob', 'hunter2', 9_999)).toBe('right');
    expect(watched.hashes.length).toBeLessThan(4);
    await Promise.all(flood);
  });

  it('lets a client that was right before go first, until it is wrong', async () => {
    await check('bob', 'hunter2', 9_999);
    const before = watched.hashes.length;
    const flood = Array.from({ length: 300 }, (_, number) => check('alice', `guess-${number}`, number));
    expect(await check('alice', 'secret', 9_999)).toBe('right');
    expect(watched.hashes.length - before).toBeLessThan(4);
    await Promise.all(flood);

    await check('alice', 'mistyped', 9_999);
    const more = Array.from({ length: 300 }, (_, number) => check('alice', `again-${number}`, 1_000 + number));
    expect(await check('alice', 'mistyped again', 9_999)).toBe('busy');
    await Promise.all(more);
  });

  it('compares as many at a time as it has threads', async () => {
    let [atOnce, most] = [0, 0];
    const comparers = [new BcryptThread(), new BcryptThread()].map((own): PasswordComparer => ({
      async compare(password, hash) {
        most = Math.max(most, (atOnce += 1));
        const isEqual = await own.compare(password, hash);
        atOnce -= 1;
        return isEqual;
      },
      close: () => own.close(),
    }));
    const wide = new Authenticator(comparers);
    await Promise.all(
      [1, 2, 3, 4].map(async (client) => wide.check(users, { name: 'alice', password: `${client}` }, from(client))),
    );
    await wide.close();
    expect(most).toBe(2);
  });

  it('does not remember that it was busy', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, number) => check('alice', `guess-${number}`)));
    expect(await check('alice', 'guess-39')).toBe('wrong');
  });

  it('says so when a comparison cannot be done, and does the next', async () => {
    const failing: PasswordComparer = {
      compare: (password, hash) =>
        password === 'poison' ? Promise.reject(new Error('out of order')) : thread.compare(password, hash),
      close: () => Promise.resolve(),
    };
    const shaken = new Authenticator([failing]);
    const poisoned = shaken.check(users, { name: 'alice', password: 'poison' }, from(1));
    const next = shaken.check(users, { name: 'alice', password: 'secret' }, from(1));
    await expect(poisoned).rejects.toThrow('out of order');
    expect(await next).toBe('right');
  });
});

describe('BcryptThread', () => {
  it('goes on with a new thread after it was closed', async () => {
    const own = new BcryptThread();
    expect(await own.compare('secret', users.get('alice') ?? '')).toBe(true);
    await own.close();
    expect(await own.compare('guess', users.get('alice') ?? '')).toBe(false);
    await own.close();
  });

  it('leaves the event loop free while it compares', async () => {
    const own = new BcryptThread();
    const hash = hashSync('secret', 10);
    await own.compare('warm-up', users.get('alice') ?? '');
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 1);
    await own.compare('secret', hash);
    clearInterval(counting);
    expect(turns).toBeGreaterThan(5);
    await own.close();
  });
});
