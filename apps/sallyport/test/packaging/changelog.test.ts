import { describe, expect, it } from 'vitest';
import { cutChangelog } from '../../packaging/changelog.ts';

const CHANGELOG = `# Changelog

## [Unreleased]

### Added

- A door.

## [0.1.0] - 2026-01-01

- Everything.
`;

describe('cutChangelog', () => {
  it('moves what is unreleased below the new version, and keeps all else', () => {
    const cut = cutChangelog(CHANGELOG, '0.2.0', '2026-02-03');
    expect(cut).toBe(CHANGELOG.replace('## [Unreleased]\n', '## [Unreleased]\n\n## [0.2.0] - 2026-02-03\n'));
  });

  it.each([
    ['nothing is unreleased', CHANGELOG.replace('### Added\n\n- A door.\n', ''), '0.2.0'],
    ['there is no such heading', '# Changelog\n', '0.2.0'],
    ['the version is there already', CHANGELOG, '0.1.0'],
  ])('cuts nothing where %s', (_, text, version) => {
    expect(() => cutChangelog(text, version, '2026-02-03')).toThrow();
  });
});
