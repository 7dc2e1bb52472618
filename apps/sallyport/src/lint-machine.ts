/** Finds what `run` would not find on this machine. Only warnings, and only of `check`: a file may be checked on another machine. */
import type { Problem } from '@sallyport/config';
import type { Settings } from './settings.ts';
import { findFileObstacle, findSocketObstacle, wordSocketObstacle } from './written-paths.ts';

/** Warns of a user that is not there, of a log file that cannot be opened, and of an admin server that cannot have its socket. */
export async function lintMachine({
  config,
  logOptions,
}: Pick<Settings, 'config' | 'logOptions'>): Promise<readonly Problem[]> {
  const { user } = config.runtime;
  const { file } = logOptions;
  const { bind } = config.admin;
  return [
    ...(user === null ? [] : await lintUser(user)),
    ...(file === null ? [] : lintLogFile(file)),
    ...('path' in bind ? lintSocket(bind.path) : []),
  ];
}

async function lintUser(user: string): Promise<readonly Problem[]> {
  const { explainNoUser, findIds } = await import('./user-ids.ts');
  return findIds(user, '-u') ? [] : [warning(['runtime', 'user'], `on this machine ${explainNoUser(user)}`)];
}

function lintLogFile(file: string): readonly Problem[] {
  const why = explainLogFile(file);
  return why === undefined ? [] : [warning(['log', 'file'], why)];
}

/** The path is shown whole: only so is it recognized where the file of the configuration has a variable for it. */
function explainLogFile(file: string): string | undefined {
  const obstacle = findFileObstacle(file);
  switch (obstacle?.kind) {
    case 'no-folder':
      return `on this machine there is no folder for ${file}; create it, or name another file`;
    case 'no-rights':
      return `this user may not write to ${file}; change the rights, or check as the user who runs it`;
    case 'directory':
      return `${file} is a directory; name a file in it`;
    case 'socket':
    case 'no-socket':
      return `${file} is a socket; name another file`;
    case 'other':
      return `${file} cannot be opened (${obstacle.code}); name another file`;
    case undefined:
      return undefined;
  }
}

function lintSocket(path: string): readonly Problem[] {
  const obstacle = findSocketObstacle(path);
  return obstacle ? [warning(['admin', 'bind'], `on this machine ${wordSocketObstacle(obstacle)}`)] : [];
}

function warning(path: Problem['path'], message: string): Problem {
  return { severity: 'warning', path, message };
}
