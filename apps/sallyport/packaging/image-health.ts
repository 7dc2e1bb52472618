/**
 * Adds to an image what umoci cannot write: the health check, and the name under which `docker load` lists it.
 *
 * The OCI specification has no health check. Docker's own configuration has one, and tools that follow Docker read it from OCI images as
 * well (BuildKit writes it, containerd keeps it). Others ignore it.
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

const NANOSECONDS = 1e9;
const HEALTH = {
  Test: ['CMD', `/${PROGRAM_FOLDER}/node`, `/${PROGRAM_FOLDER}/healthcheck.js`],
  Interval: 30 * NANOSECONDS,
  Timeout: 5 * NANOSECONDS,
  StartPeriod: 10 * NANOSECONDS,
  Retries: 3,
};

/** Changes the only image of a layout. */
export function describeHealth(layout: string, name: string): void {
  const index = read(join(layout, 'index.json')) as Json & {
    readonly manifests: readonly [Descriptor & { readonly annotations: Json }];
  };
  const [descriptor] = index.manifests;
  const manifest = readBlob(layout, descriptor) as Json & { readonly config: Descriptor };
  const image = readBlob(layout, manifest.config) as Json & { readonly config: Json };
  const config = writeBlob(layout, manifest.config, { ...image, config: { ...image.config, Healthcheck: HEALTH } });
  const changed = writeBlob(layout, descriptor, { ...manifest, config });
  const annotations = { ...descriptor.annotations, 'io.containerd.image.name': name };
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ ...index, manifests: [{ ...changed, annotations }] }));
}

function readBlob(layout: string, { digest }: Descriptor): unknown {
  return read(blobPath(layout, digest));
}

function writeBlob(layout: string, descriptor: Descriptor, content: Json): Descriptor {
  const text = JSON.stringify(content);
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  writeFileSync(blobPath(layout, digest), text);
  return { ...descriptor, digest, size: Buffer.byteLength(text) };
}

function blobPath(layout: string, digest: string): string {
  return join(layout, 'blobs', ...digest.split(':'));
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8')) as unknown;
}
