import { closeSync, openSync, readSync } from 'node:fs';

/** Much more than the headers of an executable and the name of its loader behind them. */
const HEADER_BYTES = 4096;

/** The platform that an addon must be built for to be loaded by this Node.js, such as `linux-x64-musl`. */
export function platformName(): string {
  return [process.platform, process.arch, libraryOf(process.execPath)].filter(Boolean).join('-');
}

/** The C library of a Linux executable, from the name of its loader; '' where that is unknown. */
function libraryOf(executable: string): string {
  const bytes = Buffer.alloc(HEADER_BYTES);
  try {
    const file = openSync(executable, 'r');
    readSync(file, bytes);
    closeSync(file);
  } catch {
    return ''; // An executable that was since replaced or hidden: its library is unknown, and no addon fits.
  }
  const loader = /\/ld-(musl|linux)[\w.-]*/.exec(bytes.toString('latin1'))?.[1];
  return loader === undefined ? '' : ({ musl: 'musl', linux: 'glibc' }[loader] ?? '');
}
