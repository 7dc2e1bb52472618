import { nativeBinary, platformName } from '@sallyport/tunnel-splice';
import { version } from './version.ts';

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
