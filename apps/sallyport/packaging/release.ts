/**
 * `npm run release -- X.Y.Z`: sets the version in its one place, updates the changelog, commits and tags both, and makes every artefact
 * from that commit, with SHA256SUMS. Nothing is pushed or published.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cutChangelog } from './changelog.ts';
import { root } from './places.ts';

const [version = ''] = process.argv.slice(2);
const obstacle = whyNot();
if (obstacle === undefined) {
  release();
} else {
  console.error(`release: ${obstacle}`);
  process.exitCode = 2;
}

function whyNot(): string | undefined {
  if (!/^\d+\.\d+\.\d+$/.test(version)) return 'which version? npm run release -- X.Y.Z';
  if (git('status', '--porcelain') !== '') return 'commit or discard what is changed first';
  return git('tag', '--list', `v${version}`) === '' ? undefined : `v${version} is released already`;
}

function release(): void {
  change('apps/sallyport/package.json', (text) => text.replace(/^( {2}"version": )".*"/m, `$1"${version}"`));
  change('CHANGELOG.md', (text) => cutChangelog(text, version, new Date().toISOString().slice(0, 10)));
  git('commit', '--all', '--message', `release: ${version}`);
  git('tag', '--annotate', `v${version}`, '--message', `Sallyport ${version}`);
  const out = join(root, 'dist', version);
  execFileSync('npm', ['run', 'package', '--', 'all', '--out', out], { cwd: root, stdio: 'inherit' });
  console.log(`v${version} is committed and tagged, its artefacts are in ${out}. To publish: git push --follow-tags`);
}

function change(name: string, edit: (text: string) => string): void {
  const path = join(root, name);
  writeFileSync(path, edit(readFileSync(path, 'utf8')));
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
}
