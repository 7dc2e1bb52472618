/** An unpacked image, run as a container runtime does: read-only, as the user that it names, with /dev and /proc from outside. */
import { chownSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Root, runInRoot } from './root.ts';

/** What of an image's configuration the tests look at. */
export interface ImageConfig {
  readonly User: string;
  readonly ExposedPorts: Readonly<Record<string, unknown>>;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Healthcheck: { readonly Test: readonly string[] };
}

/** The configuration of a layout's only image. */
export function readImageConfig(layout: string): ImageConfig {
  const index = readJson(join(layout, 'index.json')) as { readonly manifests: readonly [{ readonly digest: string }] };
  const manifest = readBlob(layout, index.manifests[0].digest) as { readonly config: { readonly digest: string } };
  return (readBlob(layout, manifest.config.digest) as { readonly config: ImageConfig }).config;
}

/** `changes` has the folder `try`, which is mounted; the folder of the configuration is one that the user may write to. */
export function openImage(rootfs: string, folder: string, user: string): Root {
  const changes = join(folder, 'image');
  const root = join(changes, 'root');
  const configuration = join(changes, 'configuration');
  for (const path of [root, join(changes, 'try'), ...['try', 'dev', 'proc'].map((name) => join(rootfs, name))]) {
    mkdirSync(path, { recursive: true });
  }
  cpSync(join(rootfs, 'etc/sallyport'), configuration, { recursive: true });
  const [uid, gid] = user.split(':').map(Number);
  for (const path of [configuration, join(configuration, 'sallyport.yaml')]) chownSync(path, uid ?? 0, gid ?? 0);
  const mounts = [
    `mount --bind ${rootfs} ${root}`,
    `mount -o remount,ro,bind ${root}`,
    `mount --bind ${configuration} ${root}/etc/sallyport`,
    `mount --bind ${join(changes, 'try')} ${root}/try`,
    `mount --rbind /dev ${root}/dev`,
    `mount -t proc proc ${root}/proc`,
  ];
  return { changes, run: (command, env = {}) => runInRoot({ root, mounts, command, env, user }) };
}

function readBlob(layout: string, digest: string): unknown {
  return readJson(join(layout, 'blobs', ...digest.split(':')));
}

export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8')) as unknown;
}
