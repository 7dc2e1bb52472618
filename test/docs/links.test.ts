/** Whatever the documents point to is there: files, headings in them, and the sources that they name. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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

/** The sources below a folder, by their paths. What is installed or built is none of them. */
function sourcesBelow(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isFile()) return [path];
    return /^(?:node_modules|dist|build|prebuilt)$/.test(entry.name) ? [] : sourcesBelow(path);
  });
}

/** `reasons.ts`, or with some of the folders before it; not `*.ts`, and not a part of another word. */
const SOURCE_NAME = /(?<![\w/.*{-])(?:[\w@.-]+\/)*[\w.-]+\.(?:ts|js|cc|h)(?!\w)/g;

describe('the documents', () => {
  it.each(documents)('%s leads only to what is there', (document) => {
    const links = [...textOf(join(root, document)).matchAll(/(?:\]\(|srcset="|src=")([^)"\s]+)/g)].map(
      ([, to = '']) => to,
    );
    const local = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(local.filter((link) => !isThere(document, link))).toEqual([]);
  });

  it('name only sources that are there', () => {
    const sources = ['apps', 'packages', 'test'].flatMap(sourcesBelow);
    const isSource = (name: string): boolean => sources.some((path) => path === name || path.endsWith(`/${name}`));
    const named = documents.flatMap((document) =>
      [...textOf(join(root, document)).matchAll(/`([^`\n]+)`/g)].flatMap(([, span = '']) => {
        const folders = span.match(/^(?:apps|packages)\/[\w./-]+$/) ?? [];
        return [...(span.match(SOURCE_NAME) ?? []), ...folders].map((name) => ({ document, name }));
      }),
    );
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter(({ name }) => !isSource(name) && !existsSync(join(root, name)))).toEqual([]);
  });

  it('are all reached from README.md', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const unreached = documents.filter(
      (name) => !name.includes('/') && name !== 'README.md' && !readme.includes(`(${name})`),
    );
    expect(unreached).toEqual([]);
  });
});
