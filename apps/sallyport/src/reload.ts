/** Finds changes that a reload cannot make. All other changes take effect for new connections, all at once. */
import { availableParallelism } from 'node:os';
import type { Config, ConfigPath, RuntimeConfig } from '@sallyport/config';
import type { Transport } from '@sallyport/tunnel-splice';

/** A change that needs another process. */
export interface Obstacle {
  /** The first of its keys. */
  readonly path: ConfigPath;
  readonly message: string;
}

/** Names all changes in `next` that need another process; undefined if there are none. */
export function findObstacle(
  { runtime: current }: Config,
  { runtime: next }: Config,
  { name: running }: Pick<Transport, 'name'>,
): Obstacle | undefined {
  // Where the native engine runs, `auto` means it. Elsewhere a new start may find it built.
  const isSameEngine = next.engine === running || (next.engine === 'auto' && running === 'native');
  const isOtherEngine = next.engine !== current.engine && !isSameEngine;
  const isOtherCount = threadsOf(next) !== threadsOf(current);
  const keys = [
    ...(isOtherEngine ? ['engine'] : []),
    ...(isOtherCount ? ['threads'] : []),
    ...(next.user === current.user ? [] : ['user']),
  ];
  const [first] = keys;
  if (first === undefined) return undefined;
  const names = keys.map((key) => `runtime.${key}`).join(' and ');
  const remedy = next.user === current.user ? 'a restart, or SIGUSR1 (a successor)' : 'a restart';
  return {
    path: ['runtime', first],
    message: `${names} cannot change while it runs, which needs ${remedy}; nothing of the file took effect`,
  };
}

function threadsOf({ threads }: RuntimeConfig): number {
  return threads === 'auto' ? availableParallelism() : threads;
}
