/** Finds what `run` would not find on this machine. Only warnings, and only of `check`: a file may be checked on another machine. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Problem } from '@sallyport/config';
import type { Settings } from './settings.ts';

/** Warns of a user that is not there, and of a log file that cannot be opened. */
export async function lintMachine({
  config,
  logOptions,
}: Pick<Settings, 'config' | 'logOptions'>): Promise<readonly Problem[]> {
  const { user } = config.runtime;
  const { file } = logOptions;
  return [...(user === null ? [] : await lintUser(user)), ...(file === null ? [] : lintLogFile(file))];
}

async function lintUser(user: string): Promise<readonly Problem[]> {
  const { explainNoUser, findIds } = await import('./user-ids.ts');
  return findIds(user, '-u') ? [] : [warning(['runtime', 'user'], `on this machine ${explainNoUser(user)}`)];
}

function lintLogFile(file: string): readonly Problem[] {
  if (!isFolder(dirname(file))) {
    // The path is shown whole: only so is it recognized where the file of the configuration has a variable for it.
    return [
      warning(['log', 'file'], `on this machine there is no folder for ${file}; create it, or name another file`),
    ];
  }
  return isFolder(file) ? [warning(['log', 'file'], `${file} is a directory; name a file in it`)] : [];
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function warning(path: Problem['path'], message: string): Problem {
  return { severity: 'warning', path, message };
}
