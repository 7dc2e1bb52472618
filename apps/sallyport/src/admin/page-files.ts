/** The files of the status page, as they are served. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AdminReply, AdminRoute } from '@sallyport/telemetry';

/** HTML and styles from the sources; scripts from the build. */
const SOURCES = fileURLToPath(new URL('../../page', import.meta.url));
const SCRIPTS = join(SOURCES, 'dist');
/** A module of the program, which the scripts import. */
const FIGURES = fileURLToPath(new URL('../figures.js', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** All content is in our own files: nothing inline, nothing of another origin, and no site may frame it. */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** @param isOn called at each request: a reload may change it */
export function pageRoutes(isOn: () => boolean): readonly AdminRoute[] {
  const serve = (name: string): AdminReply => (isOn() ? readPageFile(name) : NO_PAGE);
  return [
    { method: 'GET', path: '/', answer: () => serve('index.html') },
    { method: 'GET', path: '/page/*', answer: ({ segment }) => serve(segment) },
  ];
}

const NO_PAGE: AdminReply = { status: 404, body: 'no such page\n' };

/** Read at each request: an unused page takes no memory, and the system caches small files. */
function readPageFile(name: string): AdminReply {
  // No separator and no leading dot: a name, and not a path.
  const [, type = ''] = /^[a-z][a-z-]*\.(html|css|js|svg)$/.exec(name) ?? [];
  const contentType = TYPES[type];
  if (contentType === undefined) return NO_PAGE;
  try {
    const body = readFileSync(pathOf(name), 'utf8');
    return { status: 200, body, contentType, headers: HEADERS };
  } catch {
    return NO_PAGE;
  }
}

function pathOf(name: string): string {
  if (name === 'figures.js') return FIGURES;
  return join(name.endsWith('.js') ? SCRIPTS : SOURCES, name);
}
