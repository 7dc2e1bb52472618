/** The user that a process may become: its number, and those of its groups. */
import { execFileSync } from 'node:child_process';

/** The options of `id`: the user, its group, all of its groups. */
export type WhichIds = '-u' | '-g' | '-G';

/** Asks `id`, which uses all of the system's user databases. Undefined: there is no such user. */
export function findIds(user: string, which: WhichIds): readonly number[] | undefined {
  try {
    const text = execFileSync('id', [which, '--', user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text.trim().split(' ').map(Number);
  } catch {
    return undefined;
  }
}

/** A clause for the log, with the remedy. */
export function explainNoUser(user: string): string {
  return `there is no user ${user}; name one (getent passwd lists them)`;
}
