/** Makes archives whose bytes depend only on their content. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';

export interface Packing {
  readonly folder: string;
  /** The folder's name in the archive; '.' for its content alone. */
  readonly as: string;
  readonly file: string;
  readonly epochSeconds: number;
}

/**
 * Makes a tar, gzipped where the file's name says so. Its files are sorted, owned by root, have one time, and only their owner can write
 * them.
 */
export function packFolder({ folder, as, file, epochSeconds }: Packing): void {
  rmSync(file, { force: true });
  // -n leaves out the name and the time of the content.
  const compression = file.endsWith('gz') ? ['--use-compress-program=gzip -9n'] : [];
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mode=u+rwX,go+rX,go-w'];
  const names = as === '.' ? [] : [`--transform=flags=rh;s,^\\.,${as},`];
  const flags = ['--format=gnu', '--sort=name', `--mtime=@${epochSeconds}`, ...owner, ...names, ...compression];
  execFileSync('tar', [...flags, '-cf', file, '-C', folder, '.']);
}
