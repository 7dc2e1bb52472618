/** Whatever the documents point to is there: files, and headings in them. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documents, root } from './documents.ts';

function textOf(file: string): string {
  // What stands between fences is no link and no heading.
  return readFileSync(file, 'utf8').replaceAll(/^```[^]*?^```/gm, '');
}

/** As GitHub spells the anchor of a heading. */
function anchorsOf(file: string): readonly string[] {
  return [...textOf(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function isThere(document: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? join(root, document) : join(root, dirname(document), path);
  if (!existsSync(target)) return false;
  return anchor === undefined || anchorsOf(target).includes(anchor);
}

describe('the documents', () => {
  it.each(documents)('%s leads only to what is there', (document) => {
    const links = [...textOf(join(root, document)).matchAll(/(?:\]\(|srcset="|src=")([^)"\s]+)/g)].map(
      ([, to = '']) => to,
    );
    const local = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(local.filter((link) => !isThere(document, link))).toEqual([]);
  });

  it('are all reached from README.md', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const unreached = documents.filter(
      (name) => !name.includes('/') && name !== 'README.md' && !readme.includes(`(${name})`),
    );
    expect(unreached).toEqual([]);
  });
});
