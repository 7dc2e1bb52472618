/** Looks at the place where a file or a socket is to be written, and changes nothing there. */
import { accessSync, constants, lstatSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** What is in the way. `other` has the system's code. */
export type Obstacle =
  | { readonly kind: 'no-folder' | 'no-rights' | 'directory' | 'socket' | 'no-socket' }
  | { readonly kind: 'other'; readonly code: string };

/** What keeps a file from being appended to. A file that is not there yet is created. */
export function findFileObstacle(path: string): Obstacle | undefined {
  return look(() => {
    if (!isFolder(dirname(path))) return { kind: 'no-folder' };
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory()) return { kind: 'directory' };
    if (there?.isSocket()) return { kind: 'socket' };
    requireWritable(there ? path : dirname(path));
    return undefined;
  });
}

/** What keeps a socket from being made. One that is there is in nobody's way: it is in use, or is replaced. */
export function findSocketObstacle(path: string): Obstacle | undefined {
  return look(() => {
    if (!isFolder(dirname(path))) return { kind: 'no-folder' };
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory()) return { kind: 'directory' };
    if (there && !isSocket(there, path)) return { kind: 'no-socket' };
    requireWritable(dirname(path));
    return undefined;
  });
}

/** A clause with its remedy, for `admin.bind`. */
export function wordSocketObstacle(obstacle: Obstacle): string {
  switch (obstacle.kind) {
    case 'no-folder':
      return 'there is no folder for it; create it or choose another path';
    case 'no-rights':
      return 'this user may not write to its folder; change its rights or choose another path';
    case 'directory':
      return 'a directory is there; name a socket in it';
    case 'socket':
    case 'no-socket':
      return 'a file is there that is no socket; remove it or choose another path';
    case 'other':
      return `no socket can be made there (${obstacle.code}); choose another path`;
  }
}

/** A link may lead to a socket. */
function isSocket(there: Stats, path: string): boolean {
  return there.isSocket() || statSync(path, { throwIfNoEntry: false })?.isSocket() === true;
}

/** A file below a file is not there, either. */
function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (cause) {
    if (codeOf(cause) === 'ENOTDIR') return false;
    throw cause;
  }
}

/** Throws where it is not. */
function requireWritable(path: string): void {
  accessSync(path, constants.W_OK);
}

function look(find: () => Obstacle | undefined): Obstacle | undefined {
  try {
    return find();
  } catch (cause) {
    const code = codeOf(cause);
    return code === 'EACCES' || code === 'EPERM' ? { kind: 'no-rights' } : { kind: 'other', code };
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
}
