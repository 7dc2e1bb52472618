/**
 * Adds to an image what umoci cannot write: the health check, and what `docker load` needs: the image's name and manifest.json.
 *
 * The OCI specification has no health check. Docker's own configuration has one, and tools that follow Docker read it from OCI images as
 * well (BuildKit writes it, containerd keeps it). Others ignore it.
 *
 * Docker before version 25, as in Debian 12, loads no OCI layout, but an archive with a manifest.json. One archive can be both: later
 * versions of `docker save` write such archives.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM_FOLDER } from './installed-program.ts';

type Json = Readonly<Record<string, unknown>>;

interface Descriptor extends Json {
  readonly digest: string;
  readonly size: number;
}

interface Manifest extends Json {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

const NANOSECONDS = 1e9;
const HEALTH = {
  Test: ['CMD', `/${PROGRAM_FOLDER}/node`, `/${PROGRAM_FOLDER}/healthcheck.js`],
  Interval: 30 * NANOSECONDS,
  Timeout: 5 * NANOSECONDS,
  StartPeriod: 10 * NANOSECONDS,
  Retries: 3,
};

/** Changes the only image of a layout. */
export function finishImage(layout: string, name: string): void {
  const index = read(join(layout, 'index.json')) as Json & {
    readonly manifests: readonly [Descriptor & { readonly annotations: Json }];
  };
  const [descriptor] = index.manifests;
  const manifest = readBlob(layout, descriptor) as Manifest;
  const image = readBlob(layout, manifest.config) as Json & { readonly config: Json };
  const config = writeBlob(layout, manifest.config, { ...image, config: { ...image.config, Healthcheck: HEALTH } });
  const changed = writeBlob(layout, descriptor, { ...manifest, config });
  const annotations = { ...descriptor.annotations, 'io.containerd.image.name': name };
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ ...index, manifests: [{ ...changed, annotations }] }));
  const forDocker = {
    Config: blobName(config),
    RepoTags: [name.replace('docker.io/library/', '')],
    Layers: manifest.layers.map(blobName),
  };
  writeFileSync(join(layout, 'manifest.json'), JSON.stringify([forDocker]));
}

function readBlob(layout: string, descriptor: Descriptor): unknown {
  return read(join(layout, blobName(descriptor)));
}

function writeBlob(layout: string, descriptor: Descriptor, content: Json): Descriptor {
  const text = JSON.stringify(content);
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  const written = { ...descriptor, digest, size: Buffer.byteLength(text) };
  writeFileSync(join(layout, blobName(written)), text);
  return written;
}

function blobName({ digest }: Descriptor): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8')) as unknown;
}
