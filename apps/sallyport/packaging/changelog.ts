const HEADING = '## [Unreleased]\n';

/**
 * Gives the unreleased changes a version and a day, and adds an empty heading for later ones. Throws where there is nothing to release.
 */
export function cutChangelog(text: string, version: string, day: string): string {
  const start = text.indexOf(HEADING);
  if (start === -1) throw new Error('CHANGELOG.md has no heading "## [Unreleased]"');
  if (text.includes(`## [${version}]`)) throw new Error(`CHANGELOG.md has ${version} already`);
  const rest = text.slice(start + HEADING.length);
  const [changes = ''] = rest.split(/^## /m);
  if (changes.trim() === '') throw new Error('CHANGELOG.md has no change that is unreleased');
  return `${text.slice(0, start)}${HEADING}\n## [${version}] - ${day}\n${rest}`;
}
