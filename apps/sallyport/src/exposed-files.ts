/** Finds files that other users of this machine can read, change or replace. */
import { lstatSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Config, ConfigPath, Problem } from '@sallyport/config';

const READABLE_BY_OTHERS = 0o004;
const WRITABLE_BY_OTHERS = 0o002;

/**
 * Warns of keys and users files that everyone may read or change, and of a log file that is a symbolic link where others can replace it.
 * @param folder the configuration's own: its paths are relative to it
 */
export function lintExposedFiles({ listeners, log }: Config, folder: string): readonly Problem[] {
  const secrets = listeners.flatMap((listener, index): readonly Problem[] => {
    if (listener.mode !== 'connect') return [];
    const { auth, tls } = listener;
    return [
      ...(auth ? lintSecret(resolve(folder, auth.users_file), ['listeners', index, 'auth', 'users_file']) : []),
      ...(tls ? lintSecret(resolve(folder, tls.key), ['listeners', index, 'tls', 'key']) : []),
    ];
  });
  return [...secrets, ...(log.file === null ? [] : lintLogFile(resolve(folder, log.file)))];
}

function lintSecret(file: string, path: ConfigPath): readonly Problem[] {
  const mode = modeOf(() => statSync(file).mode);
  const canWrite = (mode & WRITABLE_BY_OTHERS) !== 0;
  if (!canWrite && (mode & READABLE_BY_OTHERS) === 0) return [];
  const message = `${file} may be ${canWrite ? 'changed' : 'read'} by everyone on this machine; chmod o= ${file}`;
  return [{ severity: 'warning', path, message }];
}

/** A user who may write to the directory can change the link, and so the file that this process appends to. */
function lintLogFile(file: string): readonly Problem[] {
  const isLink = (modeOf(() => (lstatSync(file).isSymbolicLink() ? 1 : 0)) & 1) === 1;
  const canWrite = (modeOf(() => statSync(dirname(file)).mode) & WRITABLE_BY_OTHERS) !== 0;
  if (!isLink || !canWrite) return [];
  const message = `${file} is a symbolic link in a directory that others can write to; name a file in a directory of your own`;
  return [{ severity: 'warning', path: ['log', 'file'], message }];
}

/** 0 for a file that cannot be examined: reading it reports the error. */
function modeOf(look: () => number): number {
  try {
    return look();
  } catch {
    return 0;
  }
}
