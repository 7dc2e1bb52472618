import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './places.ts';

const ARTEFACTS = ['npm', 'deb', 'image'] as const;
export type Artefact = (typeof ARTEFACTS)[number];

/** Node's names of processors. */
const ARCHITECTURES = ['x64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export interface Options {
  readonly artefacts: ReadonlySet<Artefact>;
  readonly architectures: readonly Architecture[];
  /** The folder for the packages. */
  readonly out: string;
}

const USAGE = 'usage: npm run package [-- npm|deb|image|all] [--arch x64|arm64] [--out FOLDER]';

/** The packages to make; a usage text where the arguments are wrong. */
export function readOptions(args: readonly string[]): Options | string {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { arch: { type: 'string', multiple: true }, out: { type: 'string' } },
    strict: true,
  });
  const asked = positionals.length === 0 ? ['npm'] : positionals;
  const artefacts = ARTEFACTS.filter((each) => asked.includes(each) || asked.includes('all'));
  const architectures = ARCHITECTURES.filter((each) => values.arch?.includes(each) ?? true);
  const unknown = asked.find((each) => each !== 'all' && !ARTEFACTS.some((known) => known === each));
  if (unknown !== undefined || architectures.length === 0) return USAGE;
  return { artefacts: new Set(artefacts), architectures, out: resolve(values.out ?? join(root, 'dist')) };
}
