/** The starter configurations that come with the program: one YAML file for each use, in the folder `starters`. */
import { readFileSync } from 'node:fs';

export interface Starter {
  readonly name: 'agents' | 'gateway' | 'office' | 'ci';
  /** Its purpose, in one line. */
  readonly about: string;
}

export const STARTERS: readonly Starter[] = [
  { name: 'agents', about: 'a sandbox of coding agents: package registries and a few APIs, nothing else' },
  { name: 'gateway', about: 'a router: connections to port 443 are redirected here, clients know of no proxy' },
  { name: 'office', about: 'the way out of an office: most of the Web, a list of what is not allowed' },
  { name: 'ci', about: 'build machines: package registries and a list of hosts for each job' },
];

/** The text of the file. */
export function readStarter({ name }: Starter): string {
  return readFileSync(new URL(`../starters/${name}.yaml`, import.meta.url), 'utf8');
}
