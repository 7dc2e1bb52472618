/**
 * The contract suite on the native engine, with system calls that fail: run by the project `faults` of vitest.config.ts, whose processes
 * have test/e2e/harness/system-calls.c loaded.
 */
import { existsSync } from 'node:fs';
import { describe, it } from 'vitest';
import type { Transport } from '../../src/index.ts';
import { loadAddon } from '../../src/native/load.ts';
import { createNativeTransport } from '../../src/native/transport.ts';
import { describeTransport } from '../transport.contract.ts';
import { watched } from './survive.ts';

const addon = loadAddon();
const isInterposed = existsSync(process.env['SYSTEM_CALLS_FILE'] ?? '');
const missing = addon.kind === 'unavailable' ? addon.reason : isInterposed ? undefined : 'cc built no library of calls';

if (missing === undefined) {
  for (const threads of process.env['SALLYPORT_FAULTS'] === undefined ? [1] : [1, 2]) {
    const create = watched(() => createTransport(threads));
    describeTransport(`native (${threads} threads), as calls fail,`, create);
  }
} else {
  console.warn(`SKIPPED: no system call of the native engine fails here: ${missing}`);
  describe.skip('the native transport as calls fail', () => it(`is not here: ${missing}`));
}

/** An engine that does not start for want of something says so; there is none to be tried then. */
function createTransport(threads: number): Transport {
  const made = createNativeTransport({ threads });
  if (made.kind === 'unavailable') throw new Error(made.reason);
  return made.transport;
}
