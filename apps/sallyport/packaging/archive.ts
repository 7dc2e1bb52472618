/** Archives whose bits depend on what is in them alone. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';

export interface Packing {
  readonly folder: string;
  /** What the folder is called within; '.' for what is in it alone. */
  readonly as: string;
  readonly file: string;
  readonly epochSeconds: number;
}

/** A tar, gzipped where the name of the file says so: sorted, of root, of one time, writable by nobody but the owner. */
export function packFolder({ folder, as, file, epochSeconds }: Packing): void {
  rmSync(file, { force: true });
  // -n: neither the name nor the time of what is within.
  const compression = file.endsWith('gz') ? ['--use-compress-program=gzip -9n'] : [];
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mode=u+rwX,go+rX,go-w'];
  const names = as === '.' ? [] : [`--transform=flags=rh;s,^\\.,${as},`];
  const flags = ['--format=gnu', '--sort=name', `--mtime=@${epochSeconds}`, ...owner, ...names, ...compression];
  execFileSync('tar', [...flags, '-cf', file, '-C', folder, '.']);
}
