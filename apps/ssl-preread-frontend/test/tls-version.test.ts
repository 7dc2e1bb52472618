import { expect, it } from 'vitest';
import { isTlsVersion, nameTlsVersion } from '../src/tls-version.ts';

it.each([
  [0x0300, 'SSLv3'],
  [0x0301, 'TLSv1.0'],
  [0x0302, 'TLSv1.1'],
  [0x0303, 'TLSv1.2'],
  [0x0304, 'TLSv1.3'],
])('names version %d as log and label spell it: %s', (version, name) => {
  expect(nameTlsVersion(version)).toBe(name);
  expect(isTlsVersion(version)).toBe(true);
});

it('has no new label for a version that is still to come', () => {
  expect(nameTlsVersion(0x03ff)).toBe('TLSv1.3');
});

it.each([
  [0x0a0a, 'GREASE'],
  [0xfafa, 'GREASE'],
  [0x7f1c, 'a draft of TLS 1.3'],
  [0x0305, 'a version to come'],
  [0x0002, 'SSL 2.0'],
])('takes %d (%s) for no version', (version) => {
  expect(isTlsVersion(version)).toBe(false);
});
