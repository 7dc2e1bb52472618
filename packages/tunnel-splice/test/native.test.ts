import { describe, it } from 'vitest';
import type { Transport } from '../src/index.ts';
import { loadAddon } from '../src/native/load.ts';
import { createNativeTransport } from '../src/native/transport.ts';
import { describeTransport } from './transport.contract.ts';

/** Another build of the addon: `native/test/sanitize.js` names the one made with a sanitizer. */
const addonPath = process.env['TUNNEL_SPLICE_ADDON'];

const loaded = loadAddon(addonPath);
if (loaded.kind === 'loaded') {
  for (const threads of [1, 2]) describeTransport(`native (${threads} threads)`, () => create(threads));
} else {
  console.warn(`SKIPPED: the native transport is not tested here: ${loaded.reason}`);
  describe.skip('the native transport', () => it(`is not here: ${loaded.reason}`));
}

function create(threads: number): Transport {
  const made = createNativeTransport({ threads, ...(addonPath !== undefined && { addonPath }) });
  if (made.kind === 'unavailable') throw new Error(made.reason);
  return made.transport;
}
