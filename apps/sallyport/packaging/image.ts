/** The container image: an OCI layout in a tar, for `docker load`, `podman load` and `skopeo copy oci-archive:`. umoci builds it, without a daemon. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packFolder } from './archive.ts';
import { billOfMaterials, type Ingredients, provenance } from './bill-of-materials.ts';
import { DEBIAN_NAMES, downloadDebian } from './debian-files.ts';
import { buildImageRoot, IMAGE_PACKAGES, IMAGE_USER } from './image-root.ts';
import { finishImage } from './finish-image.ts';
import { PROGRAM_FOLDER } from './installed-program.ts';
import { fetchNode } from './node-runtime.ts';
import type { Architecture } from './options.ts';
import { workshop } from './places.ts';
import type { Program } from './stage-program.ts';

const PORTS = [3128, 443, 9128] as const;

/** Returns the files: the archive, its bill of materials, its provenance. */
export function buildImage(program: Program, architecture: Architecture, out: string): readonly string[] {
  const debian = downloadDebian(IMAGE_PACKAGES, architecture);
  const ingredients: Ingredients = { program, node: fetchNode(architecture), debian };
  const bill = billOfMaterials(ingredients);
  const layers = buildImageRoot({ program, architecture, debian, documents: { 'sbom.cdx.json': bill } });
  const layout = buildLayout(program, architecture, layers);
  const name = `sallyport-${program.version}-oci-${DEBIAN_NAMES[architecture]}`;
  const archive = join(out, `${name}.tar`);
  packFolder({ folder: layout, as: '.', file: archive, epochSeconds: program.epochSeconds });
  const sha256 = createHash('sha256').update(readFileSync(archive)).digest('hex');
  const documents: Readonly<Record<string, string>> = {
    [`${name}.sbom.cdx.json`]: bill,
    [`${name}.provenance.json`]: provenance(ingredients, { name: `${name}.tar`, sha256 }),
  };
  for (const [file, text] of Object.entries(documents)) writeFileSync(join(out, file), text);
  return [archive, ...Object.keys(documents).map((file) => join(out, file))];
}

function buildLayout(program: Program, architecture: Architecture, layers: readonly string[]): string {
  const { version, epochSeconds } = program;
  const folder = join(workshop, `image-${architecture}`);
  const layout = join(folder, 'layout');
  const created = new Date(epochSeconds * 1000).toISOString().replace('.000Z', 'Z');
  const image = `${layout}:${version}`;
  rmSync(layout, { recursive: true, force: true });
  umoci('init', '--layout', layout);
  umoci('new', '--image', image);
  for (const layer of layers) {
    const tar = `${layer}.tar`;
    packFolder({ folder: layer, as: '.', file: tar, epochSeconds });
    umoci(
      'raw',
      'add-layer',
      '--image',
      image,
      '--history.created',
      created,
      '--history.created_by',
      'npm run package',
      tar,
    );
    rmSync(tar);
  }
  umoci(
    'config',
    '--image',
    image,
    '--no-history',
    '--created',
    created,
    '--os',
    'linux',
    ...configuration(program, architecture),
  );
  finishImage(layout, `docker.io/library/sallyport:${version}`);
  umoci('gc', '--layout', layout);
  return layout;
}

function configuration({ version, commit }: Program, architecture: Architecture): readonly string[] {
  const node = `/${PROGRAM_FOLDER}/node`;
  const labels: Readonly<Record<string, string>> = {
    title: 'sallyport',
    description: 'A guarded way out of a network for HTTPS',
    version,
    revision: commit,
    licenses: 'Apache-2.0 AND MIT',
    documentation: '/usr/share/doc/sallyport',
  };
  return [
    ...['--architecture', DEBIAN_NAMES[architecture]],
    ...['--config.user', `${IMAGE_USER}:${IMAGE_USER}`, '--config.workingdir', '/', '--config.stopsignal', 'SIGTERM'],
    ...PORTS.flatMap((port) => ['--config.exposedports', `${port}/tcp`]),
    ...[node, `/${PROGRAM_FOLDER}/bin/sallyport.js`].flatMap((word) => ['--config.entrypoint', word]),
    ...['run', '--config', '/etc/sallyport/sallyport.yaml'].flatMap((word) => ['--config.cmd', word]),
    ...Object.entries(labels).flatMap(([key, value]) => ['--config.label', `org.opencontainers.image.${key}=${value}`]),
  ];
}

function umoci(...args: readonly string[]): void {
  execFileSync('umoci', args, { stdio: 'pipe' });
}
