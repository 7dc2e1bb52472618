/** Gives up root's privileges: afterwards the process has only the rights of its user. */
import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import type { Logger } from '@sallyport/telemetry';
import { forbidNewPrivileges } from '@sallyport/tunnel-splice';
import type { SettingsResult } from './settings.ts';
import { EXIT, FatalError } from './exit.ts';

/**
 * Becomes another user permanently: its groups, then its group, then the user itself. Throws a FatalError where that is not possible.
 * @param owned files that are to belong to the user
 */
export function dropPrivileges(user: string, owned: readonly string[]): void {
  const [uid = NaN] = readIds(user, '-u');
  const [gid = NaN] = readIds(user, '-g');
  if (process.getuid?.() === uid) return;
  if (process.getuid?.() !== 0) {
    const remedy = `start it as root, or as ${user} itself with runtime.user left out`;
    throw new FatalError(`runtime.user: no right to become ${user}; ${remedy}`, EXIT.failure);
  }
  for (const path of owned) chownSync(path, uid, gid);
  process.setgroups?.(readIds(user, '-G'));
  process.setgid?.(gid);
  process.setuid?.(uid);
}

/** Permanent: programs with the set-user-ID bit then run as the user who starts them. */
export function forbidGainingPrivileges(log: Pick<Logger, 'warn'>): void {
  const result = forbidNewPrivileges();
  if (result.kind === 'done') return;
  const detail =
    'programs with the set-user-ID bit could still be run; build the addon (npm start says what is missing)';
  log.warn({ reason: result.reason, detail }, 'no_new_privs could not be set');
}

/** Warns of what a reload will fail on, now that files are read as another user. */
export function warnOfUnreadable(user: string, readAgain: SettingsResult, log: Pick<Logger, 'warn'>): void {
  if (readAgain.kind === 'ok') return;
  for (const problem of readAgain.problems) {
    log.warn({ user, detail: problem }, 'a reload will fail, for this user cannot read what it needs');
  }
}

/** Asks `id`, which uses all of the system's user databases. */
function readIds(user: string, which: '-u' | '-g' | '-G'): number[] {
  try {
    const text = execFileSync('id', [which, '--', user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text.trim().split(' ').map(Number);
  } catch (cause) {
    throw new FatalError(
      `runtime.user: there is no user ${user}; name one (getent passwd lists them)`,
      EXIT.failure,
      cause,
    );
  }
}
