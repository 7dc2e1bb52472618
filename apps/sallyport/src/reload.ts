/** What a reload can't change. Everything else takes effect for new connections, all at once. */
import { availableParallelism } from 'node:os';
import type { Config, ConfigPath, RuntimeConfig } from '@sallyport/config';
import type { Transport } from '@sallyport/tunnel-splice';

/** What would need another process. */
export interface Obstacle {
  /** The first of the keys. */
  readonly path: ConfigPath;
  readonly message: string;
}

/** Names all parts of `next` that need another process, or undefined if none does. */
export function findObstacle(
  { runtime: current }: Config,
  { runtime: next }: Config,
  { name: running }: Pick<Transport, 'name'>,
): Obstacle | undefined {
  // What `auto` stands for where the native engine runs is known; elsewhere another start may find it built.
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
