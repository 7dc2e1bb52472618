import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/load.ts';
import { finish } from '../src/steps.ts';
import { minimal } from './load/stage.ts';

describe('loadConfig', () => {
  it('reads a file, expands it, and finds the places of later problems', () => {
    const directory = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
    const file = join(directory, 'sallyport.yaml');
    writeFileSync(file, `${minimal}timeouts:\n  idle: \${IDLE}\n`);
    const loaded = finish(loadConfig(file, { IDLE: '7s' }));
    rmSync(directory, { recursive: true });
    if (loaded.kind === 'invalid') throw new Error(loaded.problems[0]?.message);
    expect(loaded.config.timeouts.idle).toBe(7_000);
    expect(loaded.warnings).toEqual([]);
    expect(loaded.locate(['timeouts', 'idle'])).toEqual({ line: 6, column: 9 });
  });

  it('tells of a file that is not there', () => {
    const loaded = finish(loadConfig('/absent/sallyport.yaml', {}));
    expect(loaded).toMatchObject({
      kind: 'invalid',
      problems: [{ severity: 'error', path: [], message: 'no such file; name an existing one' }],
    });
  });
});
