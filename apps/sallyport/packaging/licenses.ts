/** THIRD-PARTY-LICENSES: the third-party packages in the program, with the text of each licence. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOurs, type Vendored } from './vendor.ts';

/** The name of a file with a licence. */
export const TEXT_FILE = /^(?:licen[cs]e|copying)/i;

/** The copyright holders, from their repositories, of packages that are published without a licence text. */
const MIT_HOLDERS: Readonly<Record<string, string>> = { '@redis/client': '2022-2025, Redis, inc.' };

const MIT_TERMS = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the
following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER
DEALINGS IN THE SOFTWARE.`;

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
  if (file !== undefined) return readFileSync(join(from, file), 'utf8').trim();
  const holder = MIT_HOLDERS[manifest.name];
  if (holder === undefined || manifest.license !== 'MIT')
    throw new Error(`${manifest.name} has no text of its licence`);
  return `MIT License\n\nCopyright (c) ${holder}\n\n${MIT_TERMS}`;
}

function heading(text: string): string {
  return `${'='.repeat(80)}\n${text}\n${'='.repeat(80)}\n`;
}
