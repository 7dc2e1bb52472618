/** THIRD-PARTY-LICENSES: what comes with the program and is not ours, with the text of each licence. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOurs, type Vendored } from './vendor.ts';

const TEXT_FILE = /^(?:licen[cs]e|copying)/i;

const RUNTIME = `The native engine (prebuilt/*.node) carries the parts of libstdc++ and libgcc that it needs, of GCC: GPL-3.0-or-later with the GCC Runtime
Library Exception 3.1, which lets programs be built with them under any terms.
`;

export function thirdPartyLicenses(vendored: readonly Vendored[]): string {
  const foreign = vendored.filter(({ manifest }) => !isOurs(manifest));
  const parts = foreign.map((each) => {
    const { name, version, license } = each.manifest;
    return `${heading(`${name} ${version} (${license})`)}\n${textOf(each)}\n`;
  });
  return [heading('libstdc++, libgcc'), RUNTIME, ...parts].join('\n');
}

function textOf({ from, manifest }: Vendored): string {
  const file = readdirSync(from).find((name) => TEXT_FILE.test(name));
  if (file === undefined) throw new Error(`${manifest.name} has no text of its licence`);
  return readFileSync(join(from, file), 'utf8').trim();
}

function heading(text: string): string {
  return `${'='.repeat(80)}\n${text}\n${'='.repeat(80)}\n`;
}
