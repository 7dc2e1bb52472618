/** The content of the image as a CycloneDX bill of materials, and how it was built, as SLSA provenance (unsigned). */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { DebianFile } from './debian-files.ts';
import type { NodeRuntime } from './node-runtime.ts';
import { root } from './places.ts';
import type { Program } from './stage-program.ts';

export interface Ingredients {
  readonly program: Program;
  readonly node: NodeRuntime;
  readonly debian: readonly DebianFile[];
}

type Json = Readonly<Record<string, unknown>>;

/** The npm packages from CycloneDX's own tool, which also validates them, with Node.js and Debian's files added. */
export function billOfMaterials({ program, node, debian }: Ingredients): string {
  const tool = join(root, 'node_modules/.bin/cyclonedx-npm');
  const flags = ['--output-reproducible', '--validate', '--spec-version=1.6', '--mc-type=application', '--omit=dev'];
  const text = execFileSync(tool, [...flags, '--output-file=-', 'package.json'], {
    cwd: program.folder,
    encoding: 'utf8',
  });
  const bill = JSON.parse(text) as Json & { readonly components: readonly Json[] };
  const runtime = {
    type: 'application',
    'bom-ref': node.source,
    name: 'node',
    version: node.version,
    licenses: [{ license: { id: 'MIT' } }],
    purl: node.source,
    hashes: [{ alg: 'SHA-512', content: Buffer.from(node.integrity, 'base64').toString('hex') }],
  };
  const components = [...bill.components, runtime, ...debian.map(component)];
  return `${JSON.stringify({ ...bill, components }, undefined, 2)}\n`;
}

function component(file: DebianFile): Json {
  const { name, version, sha256 } = file;
  return {
    type: 'library',
    'bom-ref': purl(file),
    name,
    version,
    purl: purl(file),
    hashes: [{ alg: 'SHA-256', content: sha256 }],
  };
}

function purl({ name, version }: DebianFile): string {
  return `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?distro=bookworm`;
}

/** An in-toto statement: the commit, the Node.js and the packages from which the archive with this SHA-256 was made. */
export function provenance(
  { program, node, debian }: Ingredients,
  subject: { readonly name: string; readonly sha256: string },
): string {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: subject.name, digest: { sha256: subject.sha256 } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'urn:sallyport:npm-run-package',
        externalParameters: { artefact: 'image', version: program.version, sourceDateEpoch: program.epochSeconds },
        resolvedDependencies: [
          { uri: 'git:sallyport', digest: { gitCommit: program.commit } },
          { uri: node.source, digest: { sha512: Buffer.from(node.integrity, 'base64').toString('hex') } },
          ...debian.map((file) => ({ uri: purl(file), digest: { sha256: file.sha256 } })),
        ],
      },
      runDetails: { builder: { id: 'urn:sallyport:npm-run-package' } },
    },
  };
  return `${JSON.stringify(statement, undefined, 2)}\n`;
}
