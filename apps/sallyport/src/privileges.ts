/** Gives up root's privileges: afterwards the process has only the rights of its user. */
import { chownSync, closeSync, constants, fchownSync, fstatSync, openSync } from 'node:fs';
import type { Logger } from '@sallyport/telemetry';
import { forbidNewPrivileges } from '@sallyport/tunnel-splice';
import type { SettingsResult } from './settings.ts';
import { EXIT, FatalError } from './exit.ts';
import { explainNoUser, findIds, type WhichIds } from './user-ids.ts';

/** What root has opened, and the user must be able to open or change later. */
export interface Belongings {
  /** A socket in the file system. */
  readonly socket: string | undefined;
  readonly logFile: string | null;
}

/**
 * The returned function becomes another user permanently: its groups, then its group, then the user itself. Throws a FatalError where that
 * is not possible.
 */
export function prepareToBecome(user: string): (belongings: Belongings) => void {
  const [uid = NaN] = idsOf(user, '-u');
  const [gid = NaN] = idsOf(user, '-g');
  if (process.getuid?.() === uid) return () => undefined;
  if (process.getuid?.() !== 0) {
    const remedy = `start it as root, or as ${user} itself with runtime.user left out`;
    throw new FatalError(`runtime.user: no right to become ${user}; ${remedy}`, EXIT.failure);
  }
  const groups = idsOf(user, '-G');
  return ({ socket, logFile }) => {
    if (socket !== undefined) chownSync(socket, uid, gid);
    if (logFile !== null) giveLogFile(logFile, uid);
    process.setgroups?.([...groups]);
    process.setgid?.(gid);
    process.setuid?.(uid);
  };
}

/**
 * A successor opens the log file as the user. Its group stays, for log shippers. Where the folder is the user's, a link there must give
 * away no other file of root: a symbolic link is not followed, and a file with a second name is left as it is.
 */
function giveLogFile(path: string, uid: number): void {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
    const facts = fstatSync(file);
    if (facts.isFile() && facts.uid === 0 && facts.nlink === 1) fchownSync(file, uid, facts.gid);
  } catch {
    // It is written all the same. Should it have to be opened again, that fails with the cause.
  } finally {
    if (file !== undefined) closeSync(file);
  }
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

function idsOf(user: string, which: WhichIds): readonly number[] {
  const ids = findIds(user, which);
  if (ids === undefined) throw new FatalError(`runtime.user: ${explainNoUser(user)}`, EXIT.failure);
  return ids;
}
