import { readFileSync } from 'node:fs';
import { nativeBinary, platformName } from '@sallyport/tunnel-splice';

/** The version in the program's own package.json, for `--version` and `build_info`. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version);
  return 'unknown';
}

/** For `--version --verbose`: the runtime, and which binary of the native engine is loaded, or why none is. */
export function versionInFull(): string {
  const native = nativeBinary();
  const engine = native.kind === 'loaded' ? `${native.binary} (${native.file})` : `none: ${native.reason}`;
  return `sallyport ${version()}
node      ${process.version} (${process.execPath})
platform  ${platformName()}
native    ${engine}
`;
}
