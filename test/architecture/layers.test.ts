import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The layers of ARCHITECTURE.md. A package may need those of lower layers, and the two siblings never each other. */
const layerOf: Readonly<Record<string, number>> = {
  '@sallyport/addresses': 0,
  '@sallyport/tunnel-splice': 0,
  '@sallyport/config': 1,
  '@sallyport/telemetry': 1,
  '@sallyport/policy': 2,
  '@sallyport/resolver': 2,
  '@sallyport/tunnel-server': 3,
  '@sallyport/connect-frontend': 4,
  '@sallyport/ssl-preread-frontend': 4,
  sallyport: 5,
};

interface Member {
  readonly folder: string;
  readonly manifest: {
    readonly name: string;
    readonly exports?: Readonly<Record<string, unknown>>;
    readonly dependencies?: Readonly<Record<string, string>>;
  };
}

const members: readonly Member[] = ['packages', 'apps'].flatMap((group) =>
  readdirSync(join(root, group)).map((name) => {
    const folder = join(root, group, name);
    return { folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Member['manifest'] };
  }),
);

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

describe('the layers', () => {
  it('holds every package, and no other', () => {
    expect(members.map(({ manifest }) => manifest.name).sort()).toEqual(Object.keys(layerOf).sort());
  });

  it('has one version, that of the program', () => {
    const versioned = members.filter(({ manifest }) => 'version' in manifest);
    expect(versioned.map(({ manifest }) => manifest.name)).toEqual(['sallyport']);
  });

  it.each(members)('lets $manifest.name depend only on lower layers', ({ manifest }) => {
    const own = layerOf[manifest.name] ?? -1;
    const needed = Object.keys(manifest.dependencies ?? {}).filter((name) => name in layerOf);
    expect(needed.filter((name) => (layerOf[name] ?? Infinity) >= own)).toEqual([]);
  });

  it.each(members.filter(({ manifest }) => manifest.name !== 'sallyport'))(
    'gives $manifest.name exactly one entry',
    ({ manifest }) => {
      expect(Object.keys(manifest.exports ?? {})).toEqual(['.']);
    },
  );

  it.each(members)(
    'references in tsconfig what $manifest.name depends on, and nothing else',
    ({ folder, manifest }) => {
      const config = JSON.parse(readFileSync(join(folder, 'tsconfig.json'), 'utf8')) as {
        references: { path: string }[];
      };
      const referenced = config.references.map(({ path }) => path.split('/').at(-1)).sort();
      const needed = Object.keys(manifest.dependencies ?? {}).filter((name) => name in layerOf);
      expect(referenced).toEqual(needed.map((name) => name.split('/').at(-1)).sort());
    },
  );

  it('opens sockets in the transport alone, the admin server and log collectors aside (isIP and its like are mere text)', () => {
    const offenders = members
      .filter(({ manifest }) => manifest.name !== '@sallyport/tunnel-splice')
      .flatMap(({ folder }) => filesBelow(join(folder, 'src')))
      .filter((file) => !file.includes(join('telemetry', 'src', 'admin')))
      .filter((file) => !file.includes(join('telemetry', 'src', 'log', 'collectors')))
      .filter((file) =>
        /^import (?!\{ (isIP\w*(, )?)+ \}).* from 'node:(net|tls|dgram)'/m.test(readFileSync(file, 'utf8')),
      );
    expect(offenders).toEqual([]);
  });

  it.each(members)('has no files in $manifest.name that import each other in a circle', ({ folder }) => {
    const imports = importsBelow(join(folder, 'src'));
    const circles = [...imports.keys()].filter((file) => reachedFrom(imports.get(file) ?? [], imports).has(file));
    const named = circles.map((file) => file.slice(folder.length + 1)).sort();
    expect(named).toEqual([]);
  });
});

/** The files that each file imports from its own package, types included. */
function importsBelow(folder: string): ReadonlyMap<string, readonly string[]> {
  return new Map(
    filesBelow(folder).map((file) => {
      const sources = [...readFileSync(file, 'utf8').matchAll(/^(?:import|export|\}) .*?from '(\.[^']+\.ts)';$/gm)];
      return [file, sources.map(([, source = '']) => join(dirname(file), source))] as const;
    }),
  );
}

function reachedFrom(files: readonly string[], imports: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const reached = new Set(files);
  for (const file of reached) for (const next of imports.get(file) ?? []) reached.add(next);
  return reached;
}
