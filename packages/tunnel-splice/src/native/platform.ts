import { closeSync, openSync, readSync } from 'node:fs';

/** Far more than the headers of an executable take, behind which the name of its loader stands. */
const HEADER_BYTES = 4096;

/** For which platform an addon must be built to be loaded by this Node.js, such as `linux-x64-musl`. */
export function platformName(): string {
  return [process.platform, process.arch, libraryOf(process.execPath)].filter(Boolean).join('-');
}

/** The C library of a Linux executable, by the loader that it asks for; '' where that tells nothing. */
function libraryOf(executable: string): string {
  const bytes = Buffer.alloc(HEADER_BYTES);
  try {
    const file = openSync(executable, 'r');
    readSync(file, bytes);
    closeSync(file);
  } catch {
    return ''; // An executable that was replaced or hidden since: no package brings an addon for what nobody knows.
  }
  const loader = /\/ld-(musl|linux)[\w.-]*/.exec(bytes.toString('latin1'))?.[1];
  return loader === undefined ? '' : ({ musl: 'musl', linux: 'glibc' }[loader] ?? '');
}
