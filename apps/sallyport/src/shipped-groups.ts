/** The groups of hosts that come with the program: text files, one host a line, each with its source and the date of its last check. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '@sallyport/config';
import { groupNamed, type Groups, hostLines } from '@sallyport/policy';

export interface ShippedGroup {
  readonly name: string;
  /** Its purpose: the first line of its file. */
  readonly about: string;
  readonly hosts: readonly string[];
}

const folder = fileURLToPath(new URL('../groups', import.meta.url));

/** All of them, by name. */
export function shippedGroups(): readonly ShippedGroup[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .sort()
    .map((file) => readGroup(file.slice(0, -'.txt'.length)));
}

/**
 * The groups that a configuration can name. Its own group replaces a shipped one of the same name. Files are read only where one is
 * named.
 */
export function groupsFor({ groups, policy }: Pick<Config, 'groups' | 'policy'>): Groups {
  const own = new Map(Object.entries(groups));
  const isNamed = policy.rules.some(({ hosts = [] }) => hosts.some((text) => groupNamed(text) !== undefined));
  if (!isNamed) return own;
  return new Map([...shippedGroups().map(({ name, hosts }) => [name, hosts] as const), ...own]);
}

function readGroup(name: string): ShippedGroup {
  const text = readFileSync(join(folder, `${name}.txt`), 'utf8');
  const about = /^# (.*)$/m.exec(text)?.[1] ?? '';
  return { name, about, hosts: [...hostLines(text)].map((line) => line.text) };
}
